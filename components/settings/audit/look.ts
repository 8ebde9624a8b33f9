'use client'
import { parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useEffect, useMemo, useState } from 'react'
import type { AuditLook } from '../../queries/audit.ts'

export const OUTCOMES = [
  { id: 'any', label: 'Any outcome' },
  { id: 'done', label: 'Done' },
  { id: 'refused', label: 'Refused' },
  { id: 'failed', label: 'Failed' },
] as const

export const SPANS = [
  { id: 'any', label: 'Any time' },
  { id: 'hour', label: 'Last hour' },
  { id: 'day', label: 'Last 24 hours' },
  { id: 'week', label: 'Last 7 days' },
  { id: 'month', label: 'Last 30 days' },
  { id: 'between', label: 'Between…' },
] as const

const HOUR_MS = 3_600_000
const LENGTHS: Readonly<Record<string, number>> = {
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
  week: 168 * HOUR_MS,
  month: 720 * HOUR_MS,
}

const KEYS = {
  q: parseAsString.withDefault(''),
  actor: parseAsString.withDefault(''),
  action: parseAsString.withDefault(''),
  outcome: parseAsStringLiteral(OUTCOMES.map(({ id }) => id)).withDefault('any'),
  when: parseAsStringLiteral(SPANS.map(({ id }) => id)).withDefault('any'),
  from: parseAsString.withDefault(''),
  to: parseAsString.withDefault(''),
}

const SETTLE_MS = 250

/** A value once nobody has typed for a moment: each look at the log is a query over all of it. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}

/** A moment as a field for date and time has it, in the browser's zone; undefined while it is none. */
const iso = (typed: string): string | undefined => {
  const date = new Date(typed)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

function timesOf(when: string, from: string, to: string): string[] {
  if (when === 'between') {
    const [after, before] = [iso(from), iso(to)]
    return [...(after ? [`at:gt:${after}`] : []), ...(before ? [`at:lt:${before}`] : [])]
  }
  const length = LENGTHS[when]
  return length === undefined ? [] : [`at:gt:${new Date(Date.now() - length).toISOString()}`]
}

/** What is looked for, kept in the address of the page, and as the API takes it. */
export function useLook() {
  const [view, setView] = useQueryStates(KEYS, { history: 'replace', clearOnDefault: true })
  const { q, actor, action, outcome, when, from, to } = view
  const wanted = useMemo<AuditLook>(
    () => ({
      search: q.trim(),
      filters: [
        ...(actor ? [`actor:contains:${actor}`] : []),
        ...(action ? [`action:contains:${action}`] : []),
        ...(outcome === 'any' ? [] : [`outcome:eq:${outcome}`]),
        ...timesOf(when, from, to),
      ],
    }),
    [q, actor, action, outcome, when, from, to],
  )
  return { view, setView, look: useSettled(wanted), isBare: wanted.search === '' && wanted.filters.length === 0 }
}
export type Look = ReturnType<typeof useLook>

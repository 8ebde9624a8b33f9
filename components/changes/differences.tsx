'use client'
import { useState } from 'react'
import type { Change } from '#server/contract/changes.ts'
import { Icon } from '../ui/icon.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { DiffLines, type Notation } from './diff-lines.tsx'
import { Committed, Observed, Staged } from './state.tsx'

const NOTATIONS = [
  { id: 'ofctl', label: 'ovs-ofctl' },
  { id: 'words', label: 'Words' },
] as const

function Sum({ added, removed, replaced }: { added: number; removed: number; replaced: number }) {
  return (
    <span className="sum mono">
      <span className="sr">
        {added} added, {removed} removed, {replaced} modified
      </span>
      <span aria-hidden="true">
        <b className={added > 0 ? 'p' : 'z'}>+{added}</b> <b className={removed > 0 ? 'n' : 'z'}>−{removed}</b>{' '}
        <b className={replaced > 0 ? 't' : 'z'}>~{replaced}</b>
      </span>
    </span>
  )
}

const total = (change: Change, key: 'added' | 'removed' | 'replaced') =>
  change.datapaths.reduce((sum, difference) => sum + difference[key], 0)

/** What each datapath will hold (or holds): a row of figures and progress that opens to its lines. */
export function Differences({ change, compiling }: { change: Change; compiling: boolean }) {
  const [notation, setNotation] = useState<Notation>('ofctl')
  const [opened, setOpened] = useState<ReadonlySet<string>>()
  const first = change.datapaths[0]?.datapathId
  const isOpen = (id: string) => (opened ? opened.has(id) : id === first)
  const toggle = (id: string) => {
    const next = new Set(opened ?? (first ? [first] : []))
    if (!next.delete(id)) next.add(id)
    setOpened(next)
  }
  const past = change.state === 'committed' || change.state === 'undone' || change.state === 'discarded'
  const ended = change.state === 'undone' || change.state === 'discarded'
  return (
    <section className="card" aria-labelledby="h-diff">
      <header>
        <h2 id="h-diff">What each datapath {past ? 'was to hold' : 'will hold'}</h2>
        {change.datapaths.length > 0 ? (
          <Sum added={total(change, 'added')} removed={total(change, 'removed')} replaced={total(change, 'replaced')} />
        ) : null}
        <Segmented className="push not-s" label="Notation" options={NOTATIONS} value={notation} onValue={setNotation} />
      </header>
      {change.datapaths.length === 0 ? (
        <p className="in dim" role="status">
          {compiling
            ? 'Compiling and checking…'
            : change.previewedAt
              ? 'Nothing changes on any datapath.'
              : 'Not compiled yet.'}
        </p>
      ) : (
        <div className="dh gr" aria-hidden="true">
          <span />
          <span>Datapath</span>
          <span>Entries</span>
          <span>Staged</span>
          <span>Committed</span>
          <span>Observed</span>
        </div>
      )}
      {change.datapaths.map((difference) => (
        <div className="df" key={difference.datapathId}>
          <button
            type="button"
            className="gr"
            aria-expanded={isOpen(difference.datapathId)}
            onClick={() => toggle(difference.datapathId)}
          >
            <Icon name={isOpen(difference.datapathId) ? 'down' : 'right'} small />
            <span className="clip">
              {difference.datapath} <span className="dim">{difference.server}</span>
            </span>
            <Sum {...difference} />
            {ended && difference.state === 'waits' ? (
              ['staged', 'committed', 'observed'].map((step) => (
                <span key={step} className="dim">
                  —
                </span>
              ))
            ) : (
              <>
                <Staged {...difference} />
                <Committed {...difference} />
                <Observed {...difference} />
              </>
            )}
          </button>
          {isOpen(difference.datapathId) ? (
            <DiffLines difference={difference} waves={change.waves} notation={notation} />
          ) : null}
        </div>
      ))}
    </section>
  )
}

import { err, ok, type Result } from '#server/kernel/result.ts'

/** Hours of some days of the week, by the clock on the wall of one time zone. */
export interface Hours {
  /** From Monday on: whether they begin on that day. */
  readonly days: readonly boolean[]
  /** Minutes since midnight; where `to` is not after `from`, they end on the day after. */
  readonly from: number
  readonly to: number
  readonly zone: string
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
const DAY_MINUTES = 1440
const MINUTE_MS = 60_000
const WORDS = 'days, hours and a time zone, such as Mon-Fri 07:00-19:00 Europe/Berlin'
const TEXT = /^(\S+)\s+(\d{2}):(\d{2})-(\d{2}):(\d{2})\s+(\S{1,64})$/

const dayOf = (text: string | undefined) => DAYS.findIndex((day) => day.toLowerCase() === text?.toLowerCase())

/** `Mon-Fri,Sun`; `Sat-Mon` goes round the end of the week. */
function daysOf(text: string): boolean[] | undefined {
  const days = DAYS.map(() => false)
  for (const part of text.split(',')) {
    const [first, last = first, ...more] = part.split('-')
    const [begin, end] = [dayOf(first), dayOf(last)]
    if (begin < 0 || end < 0 || more.length > 0) return undefined
    for (let day = begin; ; day = (day + 1) % 7) {
      days[day] = true
      if (day === end) break
    }
  }
  return days
}

function minutesOf(hour: string | undefined, minute: string | undefined): number | undefined {
  const minutes = Number(hour) * 60 + Number(minute)
  return Number(minute) < 60 && minutes <= DAY_MINUTES ? minutes : undefined
}

const clocks = new Map<string, Intl.DateTimeFormat>()

/** Tells day and time in a zone; undefined for one that is not known here. */
function clockOf(zone: string): Intl.DateTimeFormat | undefined {
  const held = clocks.get(zone)
  if (held) return held
  // An offset is no zone: it would be wrong for half of the year.
  if (!/^[A-Za-z]/.test(zone)) return undefined
  try {
    const parts = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
    const clock = new Intl.DateTimeFormat('en-US', { ...parts, timeZone: zone })
    clocks.set(clock.resolvedOptions().timeZone, clock)
    return clock
  } catch {
    return undefined
  }
}

/** Reads `Mon-Fri 07:00-19:00 Europe/Berlin`. */
export function parseHours(text: string): Result<Hours, string> {
  const [, dayText = '', fromHour, fromMinute, toHour, toMinute, zoneText = ''] = TEXT.exec(text.trim()) ?? []
  const days = daysOf(dayText)
  const [from, to] = [minutesOf(fromHour, fromMinute), minutesOf(toHour, toMinute)]
  if (!days || from === undefined || to === undefined || from === DAY_MINUTES) return err(WORDS)
  if (from === to) return err('hours that end at another time than they begin; the whole day is 00:00-24:00')
  const zone = clockOf(zoneText)?.resolvedOptions().timeZone
  return zone === undefined ? err(`a known time zone, such as Europe/Berlin or UTC`) : ok({ days, from, to, zone })
}

const clockText = (minutes: number) =>
  [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':')

/** Writes them in the one form that is kept: `Mon-Fri 07:00-19:00 Europe/Berlin`. */
export function formatHours({ days, from, to, zone }: Hours): string {
  const runs: string[] = []
  for (let day = 0; day < 7; day++) {
    if (!days[day]) continue
    const first = day
    while (days[day + 1]) day++
    runs.push(day === first ? `${DAYS[first]}` : `${DAYS[first]}-${DAYS[day]}`)
  }
  return `${runs.join(',')} ${clockText(from)}-${clockText(to)} ${zone}`
}

/** Whether a minute of a day lies in them. After midnight they are still those of the day on which they began. */
function covers({ days, from, to }: Hours, day: number, minute: number): boolean {
  const today = days[day] === true
  if (from < to) return today && minute >= from && minute < to
  return (today && minute >= from) || (days[(day + 6) % 7] === true && minute < to)
}

/** Whether a moment lies in them. The clock on the wall counts, also where it is put forward or back. */
export function inHours(hours: Hours, at_ms: number): boolean {
  const parts = clockOf(hours.zone)?.formatToParts(at_ms) ?? []
  const part = (type: string) => parts.find((one) => one.type === type)?.value
  const [day, minute] = [dayOf(part('weekday')), Number(part('hour')) * 60 + Number(part('minute'))]
  return day >= 0 && covers(hours, day, minute)
}

/** Whether all of `inner` lies in `outer`. Hours of two zones are not compared: they shift against each other. */
export function hoursWithin(inner: Hours, outer: Hours): boolean {
  if (inner.zone !== outer.zone) return false
  for (let at = 0; at < 7 * DAY_MINUTES; at++) {
    const [day, minute] = [Math.floor(at / DAY_MINUTES), at % DAY_MINUTES]
    if (covers(inner, day, minute) && !covers(outer, day, minute)) return false
  }
  return true
}

/** The minute that a moment lies in: inside of it no hours begin or end. */
export const minuteOf = (at_ms: number): number => Math.floor(at_ms / MINUTE_MS)

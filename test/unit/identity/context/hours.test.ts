import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatHours, type Hours, hoursWithin, inHours, parseHours } from '#server/identity/context/hours.ts'

const hours = (text: string): Hours => {
  const read = parseHours(text)
  if (!read.ok) throw new Error(read.error)
  return read.value
}
const at = (text: string) => Date.parse(text)

const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland')
const someHours = fc
  .record({
    days: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }).filter((days) => days.includes(true)),
    from: fc.integer({ min: 0, max: 1439 }),
    to: fc.integer({ min: 0, max: 1440 }),
    zone,
  })
  .filter(({ from, to }) => from !== to)
const moment = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z') })

describe('hours', () => {
  test('are read as they were written', () => {
    fc.assert(
      fc.property(someHours, ({ zone: _, ...one }) => {
        expect(hours(formatHours({ ...one, zone: 'UTC' }))).toEqual({ ...one, zone: 'UTC' })
      }),
    )
    expect(formatHours(hours('mon-fri,SUN  07:00-19:00 europe/berlin'))).toBe('Mon-Fri,Sun 07:00-19:00 Europe/Berlin')
    expect(formatHours(hours('Sat-Mon 00:00-24:00 UTC'))).toBe('Mon,Sat-Sun 00:00-24:00 UTC')
  })

  test.each([
    '',
    'Mon-Fri',
    'Mon-Fri 07:00-19:00',
    'Mon-Xyz 07:00-19:00 UTC',
    'Mon-Tue-Wed 07:00-19:00 UTC',
    'Mon 7:00-19:00 UTC',
    'Mon 07:60-19:00 UTC',
    'Mon 07:00-24:01 UTC',
    'Mon 24:00-07:00 UTC',
    'Mon 07:00-07:00 UTC',
    'Mon 07:00-19:00 Europe/Atlantis',
    'Mon 07:00-19:00 +01:00',
  ])('are not: %s', (text) => {
    expect(parseHours(text).ok).toBe(false)
  })

  test('end at the minute that they name, and not before', () => {
    const office = hours('Mon-Fri 07:00-19:00 Europe/Berlin')
    expect(inHours(office, at('2026-01-05T06:00:00Z')), 'Monday 07:00').toBe(true)
    expect(inHours(office, at('2026-01-05T05:59:59.999Z'))).toBe(false)
    expect(inHours(office, at('2026-01-05T17:59:59.999Z'))).toBe(true)
    expect(inHours(office, at('2026-01-05T18:00:00Z')), 'Monday 19:00').toBe(false)
    expect(inHours(office, at('2026-01-10T12:00:00Z')), 'Saturday').toBe(false)
  })

  test('follow the clock on the wall where it is put forward and back', () => {
    const office = hours('Mon-Sun 07:00-19:00 Europe/Berlin')
    expect(inHours(office, at('2026-07-06T05:00:00Z')), 'summer').toBe(true)
    expect(inHours(office, at('2026-01-05T05:00:00Z')), 'winter').toBe(false)
    const night = hours('Sun 02:30-03:30 Europe/Berlin')
    expect(inHours(night, at('2026-03-29T00:59:00Z')), '01:59, and the next minute is 03:00').toBe(false)
    expect(inHours(night, at('2026-03-29T01:00:00Z')), '03:00').toBe(true)
    expect(inHours(night, at('2026-03-29T01:30:00Z')), '03:30').toBe(false)
    expect(inHours(night, at('2026-10-25T00:45:00Z')), '02:45 for the first time').toBe(true)
    expect(inHours(night, at('2026-10-25T01:15:00Z')), '02:15 for the second time').toBe(false)
    expect(inHours(night, at('2026-10-25T01:45:00Z')), '02:45 for the second time').toBe(true)
  })

  test('over midnight are those of the day on which they began', () => {
    const shift = hours('Fri 22:00-06:00 UTC')
    expect(inHours(shift, at('2026-01-09T22:00:00Z')), 'Friday night').toBe(true)
    expect(inHours(shift, at('2026-01-10T05:59:00Z')), 'Saturday morning').toBe(true)
    expect(inHours(shift, at('2026-01-10T06:00:00Z'))).toBe(false)
    expect(inHours(shift, at('2026-01-09T05:00:00Z')), 'Friday morning is Thursday’s').toBe(false)
    expect(inHours(shift, at('2026-01-10T22:00:00Z')), 'Saturday night').toBe(false)
    expect(inHours(hours('Sun 22:00-06:00 UTC'), at('2026-01-12T01:00:00Z')), 'round the week').toBe(true)
  })

  test('with the hours that they leave out are the whole week, and never both', () => {
    fc.assert(
      fc.property(someHours, moment, (one, now_ms) => {
        // The same days turned round, and on the days themselves the rest of the day, begin where these end.
        const rest = { ...one, from: one.to % 1440, to: one.from === 0 ? 1440 : one.from, days: Array(7).fill(true) }
        if (one.days.every(Boolean)) expect(inHours(one, now_ms)).toBe(!inHours(rest, now_ms))
        else if (inHours(one, now_ms)) expect(inHours({ ...one, days: Array(7).fill(true) }, now_ms)).toBe(true)
      }),
    )
  })

  test('that lie within others never count where those do not', () => {
    fc.assert(
      fc.property(someHours, someHours, moment, (inner, outer, now_ms) => {
        if (hoursWithin(inner, outer) && inHours(inner, now_ms)) expect(inHours(outer, now_ms)).toBe(true)
      }),
    )
    expect(hoursWithin(hours('Mon-Thu 08:00-18:00 UTC'), hours('Mon-Fri 07:00-19:00 UTC'))).toBe(true)
    expect(hoursWithin(hours('Sat 00:00-06:00 UTC'), hours('Fri 22:00-06:00 UTC'))).toBe(true)
    expect(hoursWithin(hours('Mon-Fri 07:00-19:01 UTC'), hours('Mon-Fri 07:00-19:00 UTC'))).toBe(false)
    expect(hoursWithin(hours('Mon 08:00-09:00 UTC'), hours('Mon 00:00-24:00 Europe/Berlin')), 'two zones').toBe(false)
    fc.assert(fc.property(someHours, (one) => hoursWithin(one, one)))
  })
})

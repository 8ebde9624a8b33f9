import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ROOT } from '#server/config.ts'
import {
  dueOf,
  FRAMES_DAYS,
  judgeAdvisories,
  KnownAdvisories,
  type KnownAdvisory,
  readReport,
} from '#server/supervisor/advisories.ts'

/** As npm 11 printed it. */
const recorded = (name: string) => readFileSync(path.join(import.meta.dirname, 'advisories', `${name}.json`), 'utf8')
const found = () => readReport(recorded('found'))

const known = (more: Partial<KnownAdvisory> = {}): KnownAdvisory => ({
  ...{ advisory: 'GHSA-aaaa-bbbb-cccc', package: '@xmldom/xmldom', found: '2026-03-01', reachable: true },
  reason: 'A strict reader stands before it.',
  ...more,
})

describe('what npm prints', () => {
  test('is a report, whether or not something was found', () => {
    expect(Object.keys(found()?.vulnerabilities ?? {})).toEqual(['@xmldom/xmldom'])
    expect(readReport('{"auditReportVersion":2,"vulnerabilities":{},"metadata":{}}')?.vulnerabilities).toEqual({})
  })

  test('is no report where the registry has no answer', () => {
    for (const text of [recorded('refused'), '', 'npm error audit endpoint returned an error', 'null', '{}'])
      expect(readReport(text)).toBeUndefined()
  })

  test('of another version is a fault, not silence', () => {
    expect(() => readReport('{"auditReportVersion":3,"vulnerabilities":{}}')).toThrow()
    expect(() => readReport('{"auditReportVersion":2,"vulnerabilities":{"a":{"via":[{}]}}}')).toThrow()
  })
})

describe('a known vulnerability', () => {
  test('that nobody has looked at is a fault at once, and is named with its address', () => {
    expect(judgeAdvisories(found(), [], '2026-03-01').faults).toEqual([
      '@xmldom/xmldom <0.8.16: Reads what it should not (high). https://github.com/advisories/GHSA-aaaa-bbbb-cccc is not looked at.',
    ])
  })

  test.each([
    ['that can be reached may stay a week', true, '2026-03-08', '2026-03-09'],
    ['that cannot may stay 30 days', false, '2026-03-31', '2026-04-01'],
  ])('%s', (_name, reachable, last, late) => {
    const one = known({ reachable })
    expect(dueOf(one)).toBe(last)
    expect(judgeAdvisories(found(), [one], last)).toEqual({
      faults: [],
      remarks: [`@xmldom/xmldom: GHSA-aaaa-bbbb-cccc waits until ${last}: A strict reader stands before it.`],
    })
    const fault = `@xmldom/xmldom: GHSA-aaaa-bbbb-cccc was found on 2026-03-01 and had to be mended by ${last}.`
    expect(judgeAdvisories(found(), [one], late).faults).toEqual([fault])
    // Also where no registry is there to say that it is still so.
    expect(judgeAdvisories(undefined, [one], late).faults).toEqual([fault])
  })

  test('of another package, or another one of the same package, is not looked at by that', () => {
    for (const one of [known({ package: 'xmldom' }), known({ advisory: 'GHSA-dddd-eeee-ffff' })]) {
      const { faults, remarks } = judgeAdvisories(found(), [one], '2026-03-01')
      expect(faults).toHaveLength(1)
      expect(remarks).toEqual([`${one.package}: ${one.advisory} is not reported any more; remove its entry.`])
    }
  })

  test('is not put off by a day that has not come', () => {
    expect(judgeAdvisories(found(), [known({ found: '2027-01-01' })], '2026-03-01').faults).toEqual([
      'GHSA-aaaa-bbbb-cccc is found in the future.',
    ])
  })

  test('is named once, however many packages bring it along', () => {
    const report = found()
    const via = {
      name: 'xml-crypto',
      via: ['@xmldom/xmldom', ...(report?.vulnerabilities['@xmldom/xmldom']?.via ?? [])],
    }
    const vulnerabilities = { ...report?.vulnerabilities, 'xml-crypto': { ...via, nodes: [] } }
    expect(judgeAdvisories({ auditReportVersion: 2, vulnerabilities }, [], '2026-03-01').faults).toHaveLength(1)
  })
})

test('the list of those that wait has a reason and a day for each, and the frames are those that are promised', () => {
  const list = readFileSync(path.join(ROOT, '.ci/advisories.yaml'), 'utf8')
  expect(KnownAdvisories.safeParse(parse(list)).success).toBe(true)
  for (const less of ['reason', 'found', 'reachable'])
    expect(KnownAdvisories.safeParse([{ ...known(), [less]: undefined }]).success).toBe(false)
  const promised = readFileSync(path.join(ROOT, 'docs/security.md'), 'utf8').replaceAll(/\s+/g, ' ')
  const { reachable, unreachable } = FRAMES_DAYS
  expect(promised).toContain(`mended within ${reachable} days, another within ${unreachable}`)
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkpointBytes, toShipped } from '#server/identity/audit/checkpoint.ts'
import { type LinkedLine, lineOf, link } from '#server/identity/audit/line.ts'
import { type StoredLine, verifyChain, type Witness } from '#server/identity/audit/verify.ts'
import { testSigner } from './signer.ts'

const CHAIN = 'operators'
const KEY = testSigner()

function chainOf(length: number): StoredLine[] {
  const lines = Array.from({ length }, (_, i) =>
    lineOf(
      {
        ...{ actor: 'olga', address: '::1', action: `step.${i}`, outcome: 'done', subject: null, tenantId: null },
        ...{ changeId: null, detail: '' },
      },
      i,
    ),
  )
  return link(lines, new Map()).linked.map((line, i) => ({ ...line, id: 10 + i }))
}

async function* pagesOf(lines: readonly StoredLine[]) {
  for (let i = 0; i < lines.length; i += 3) yield lines.slice(i, i + 3)
}

async function witness({ sequence, hash }: Pick<LinkedLine, 'sequence' | 'hash'>): Promise<Witness> {
  const unsigned = { chain: CHAIN, sequence, hash, at_ms: 1000 }
  return { ...unsigned, keyId: KEY.keyId, signature: await KEY.sign(checkpointBytes(unsigned)), source: 'database' }
}

const verify = (lines: readonly StoredLine[], whole: readonly StoredLine[], witnesses: readonly Witness[] = []) =>
  verifyChain({ chain: CHAIN, head: whole.at(-1), witnesses, keys: [KEY] }, pagesOf(lines))

describe('a chain as it was written', () => {
  test('has no findings, whatever its length', async () => {
    for (const length of [0, 1, 2, 3, 4, 30]) {
      const lines = chainOf(length)
      const witnesses = await Promise.all(lines.map(witness))
      expect(await verify(lines, lines, witnesses)).toEqual({
        ...{ chain: CHAIN, lines: length, checkpoints: length, vouchedTo: length, findings: [], more: 0 },
      })
    }
  })
})

describe('a chain that is not', () => {
  const WHOLE = chainOf(20)

  test('always has a finding: any lines gone, doubled or moved', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 19 }), { minLength: 0, maxLength: 22 }), async (picks) => {
        const lines = picks.flatMap((i) => WHOLE[i] ?? [])
        const same = lines.length === WHOLE.length && lines.every((line, i) => line === WHOLE[i])
        expect((await verify(lines, WHOLE)).findings.length === 0).toBe(same)
      }),
    )
  })

  test('always has a finding: any one field of any line another', async () => {
    const change = fc.constantFrom('actor', 'action', 'outcome', 'detail', 'address', 'reason', 'after', 'subject')
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 19 }), change, fc.string(), async (i, field, value) => {
        const lines = WHOLE.map((line, at) => (at === i ? { ...line, [field]: value } : line))
        const same = WHOLE[i]?.[field] === value
        const { findings } = await verify(lines, WHOLE)
        expect(findings.map(({ kind, sequence }) => [kind, sequence])).toEqual(same ? [] : [['edited', i + 1]])
      }),
    )
  })

  test('that was written anew from some line on has a finding at the next checkpoint', async () => {
    const witnesses = [await witness(WHOLE[4] as StoredLine), await witness(WHOLE[14] as StoredLine)]
    const other = link(
      WHOLE.slice(9).map((line) => ({ ...line, actor: 'mallory' })),
      new Map([[CHAIN, WHOLE[8] as StoredLine]]),
    ).linked.map((line, i) => ({ ...line, id: 19 + i }))
    const forged = [...WHOLE.slice(0, 9), ...other]
    expect((await verify(forged, forged)).findings).toEqual([])
    const report = await verify(forged, forged, witnesses)
    expect(report).toMatchObject({ vouchedTo: 5, findings: [{ kind: 'rewritten', sequence: 15 }] })
    expect(report.findings[0]?.words).toContain('after line 5')
  })

  test('lists some findings and counts the rest', async () => {
    const wide = chainOf(200)
    const { findings, more } = await verify(
      wide.map((line) => ({ ...line, detail: 'x' })),
      wide,
    )
    expect([findings.length, more]).toEqual([50, 150])
  })
})

describe('a checkpoint', () => {
  const WHOLE = chainOf(6)
  const kinds = async (witnesses: readonly Witness[]) =>
    (await verify(WHOLE, WHOLE, witnesses)).findings.map(({ kind }) => kind)

  test.each([
    ['of another chain', { chain: 'x' }],
    ['of another line', { sequence: 2 }],
    ['of another hash', { hash: Buffer.alloc(32) }],
    ['of another time', { at_ms: 2000 }],
    ['with another signature', { signature: Buffer.alloc(64) }],
    ['with no signature', { signature: Buffer.alloc(0) }],
    ['by an unknown key', { keyId: 'x' }],
  ])('%s is forged', async (_, change) => {
    expect(await kinds([{ ...(await witness(WHOLE[2] as StoredLine)), ...change }])).toEqual(['forged'])
  })

  test('that was shipped is checked with the key that went with it', async () => {
    const line = await witness(WHOLE[2] as StoredLine)
    const { publicKey } = toShipped(line, KEY.publicKey)
    expect(await kinds([{ ...line, keyId: 'lost since', source: 'shipped', publicKey }])).toEqual([])
    expect(await kinds([{ ...line, source: 'shipped', publicKey: 'no key' }])).toEqual(['key', 'forged'])
  })
})

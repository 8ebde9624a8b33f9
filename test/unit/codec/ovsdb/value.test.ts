import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson, printJson } from '#server/codec/ovsdb/json.ts'
import {
  type Atom,
  applyDifference,
  decodeRow,
  decodeValue,
  encodeRow,
  encodeValue,
  integerOf,
  sameValue,
  textMapOf,
  textOf,
  uuidsOf,
  type Value,
} from '#server/codec/ovsdb/value.ts'

const atom: fc.Arbitrary<Atom> = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.boolean(),
  fc.uuid().map((uuid) => ({ uuid })),
  fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/).map((namedUuid) => ({ namedUuid })),
)
const plainAtom = fc.oneof(fc.string(), fc.integer())
const map = fc.array(fc.tuple(plainAtom, atom), { maxLength: 5 }).map((pairs) => new Map<Atom, Atom>(pairs))
const value: fc.Arbitrary<Value> = fc.oneof(atom, fc.array(atom, { maxLength: 5 }), map)

describe('values on the wire (RFC 7047, section 5.1)', () => {
  it.each<[Value, string]>([
    ['red', '"red"'],
    [9007199254740993n, '9007199254740993'],
    [{ uuid: '36bef046-7da7-43a5-905a-c17899216fcb' }, '["uuid","36bef046-7da7-43a5-905a-c17899216fcb"]'],
    [{ namedUuid: 'port_1' }, '["named-uuid","port_1"]'],
    [[], '["set",[]]'],
    [['OpenFlow13', 'OpenFlow15'], '["set",["OpenFlow13","OpenFlow15"]]'],
    [new Map([['remote_ip', 'flow']]), '["map",[["remote_ip","flow"]]]'],
  ])('%o is %s', (one, json) => {
    expect(printJson(encodeValue(one))).toBe(json)
    expect(decodeValue(parseJson(json))).toEqual({ ok: true, value: one })
  })

  it('come back as they went', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(decodeValue(parseJson(printJson(encodeValue(one))))).toEqual({ ok: true, value: one })
      }),
    )
  })

  it.each([
    'null',
    '{}',
    '["uuid","x"]',
    '["uuid"]',
    '["named-uuid","1x"]',
    '["set",[[]]]',
    '["set",7]',
    '["map",[["a"]]]',
    '["map",[["a",null]]]',
    '[]',
  ])('%s is none', (json) => {
    expect(decodeValue(parseJson(json)).ok).toBe(false)
  })

  it('never throw, whatever the JSON', () => {
    fc.assert(fc.property(fc.jsonValue(), (json) => void decodeRow(parseJson(JSON.stringify(json)))))
  })

  it('keep a column that is called like a property of every object', () => {
    const row = decodeRow(parseJson('{"__proto__":"x","constructor":"y"}'))
    expect(row.ok && Object.entries(row.value)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    expect(printJson(row.ok ? encodeRow(row.value) : null)).toBe('{"__proto__":"x","constructor":"y"}')
  })
})

describe('columns read as what they are', () => {
  it('take a set of one and an atom for the same', () => {
    expect(sameValue('a', ['a'])).toBe(true)
    expect(sameValue(['a', 'b'], ['b', 'a'])).toBe(true)
    expect(sameValue(['a'], ['a', 'b'])).toBe(false)
    expect(sameValue(1, '1')).toBe(false)
    expect(sameValue(new Map([['a', 'b']]), new Map([['a', 'c']]))).toBe(false)
  })

  it('answer nothing where there is nothing', () => {
    expect([textOf([]), textOf(7), integerOf([]), integerOf('7'), uuidsOf('x'), textMapOf('x')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      [],
      {},
    ])
    expect([
      textOf('x'),
      integerOf([7]),
      textMapOf(
        new Map<Atom, Atom>([
          ['a', 'b'],
          ['c', 1],
        ]),
      ),
    ]).toEqual(['x', 7, { a: 'b' }])
  })
})

describe('a difference of update2', () => {
  const set = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'))
  const pairs = fc
    .dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'))
    .map((one) => new Map<Atom, Atom>(Object.entries(one)))

  it('holds the members of a set that are in one of old and new', () => {
    fc.assert(
      fc.property(set, set, (before, after) => {
        const difference = [
          ...before.filter((one) => !after.includes(one)),
          ...after.filter((one) => !before.includes(one)),
        ]
        expect(sameValue(applyDifference(before, difference), after)).toBe(true)
      }),
    )
  })

  it('holds the pairs of a map that went, came or changed', () => {
    fc.assert(
      fc.property(pairs, pairs, (before, after) => {
        const gone = [...before].filter(([key]) => !after.has(key))
        const come = [...after].filter(([key, one]) => before.get(key) !== one)
        expect(sameValue(applyDifference(before, new Map([...gone, ...come])), after)).toBe(true)
      }),
    )
  })

  it('finds references by what they refer to', () => {
    const [one, two] = [
      { uuid: '36bef046-7da7-43a5-905a-c17899216fcb' },
      { uuid: '36bef046-7da7-43a5-905a-c17899216fcc' },
    ]
    expect(applyDifference([one, two], [{ ...one }])).toEqual([two])
  })
})

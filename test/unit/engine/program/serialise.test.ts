import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDifference, readProgram } from '#server/engine/program/deserialise.ts'
import { diff } from '#server/engine/program/difference.ts'
import { entry } from '#server/engine/program/entry.ts'
import { writeDifference, writeProgram } from '#server/engine/program/serialise.ts'
import { aProgram, programOf } from './arbitrary.ts'

const one = entry({
  table: 1,
  priority: 100,
  match: [{ field: 'vlan_vid', value: 0x1000n, mask: 0x1000n }],
  instructions: [{ type: 'goto_table', table: 2 }],
  cookie: (1n << 64n) - 2n,
})

const textOf = (pieces: readonly Uint8Array[]): string => Buffer.concat(pieces).toString('ascii')

describe('serialised programs and differences', () => {
  it('read as what was written', () => {
    fc.assert(
      fc.property(aProgram, aProgram, (a, b) => {
        expect(readProgram(textOf(writeProgram(a)))).toEqual({ ok: true, value: a })
        const d = diff(a, b)
        expect(readDifference(textOf(writeDifference(d)))).toEqual({ ok: true, value: d })
      }),
    )
  })

  it('are JSON, with integers of 64 bits as text', () => {
    expect(textOf(writeProgram(programOf([one])))).toBe(
      '[1,"program",[[["goto_table",2]]],[["001/65435/vlan_vid=1000/1000,",0,"fffffffffffffffe"]],[],[]]',
    )
  })

  it('hold equal lists of instructions once', () => {
    const entries = [1n, 2n, 3n, 4n].map((port) =>
      entry({
        table: 1,
        priority: 1,
        match: [{ field: 'in_port', value: port }],
        instructions: [{ type: 'goto_table', table: port === 2n ? 9 : 2 }],
      }),
    )
    const text = textOf(writeProgram(programOf(entries)))
    expect(JSON.parse(text)[2]).toEqual([[['goto_table', 2]], [['goto_table', 9]]])
    expect(readProgram(text)).toEqual({ ok: true, value: programOf(entries) })
  })

  const good = '001/65435/vlan_vid=1000/1000,'
  const withEntry = (key: string, rest = '0,"1"') => `[1,"program",[[["goto_table",2]]],[["${key}",${rest}]],[],[]]`

  it.each([
    ['another format', '[2,"program",[],[],[],[]]', 'format 1'],
    ['a difference for a program', '[1,"difference",[],[],[],[]]', 'program of format'],
    ['text that is not JSON', '[1,', 'JSON'],
    ['a list that is missing', '[1,"program",[],[],[]]', 'program expected'],
    ['a table beyond 255', withEntry('256/65435/'), 'up to 255'],
    ['a priority beyond 65535', withEntry('001/65536/'), 'up to 65535'],
    ['an unknown field', withEntry('001/65435/vlan=1,'), 'field name'],
    ['a value that does not fit', withEntry('001/65435/vlan_vid=2000,'), 'canonical match'],
    ['bits outside the mask', withEntry('001/65435/vlan_vid=1001/1000,'), 'canonical match'],
    ['a full mask', withEntry('001/65435/vlan_vid=1001/1fff,'), 'canonical match'],
    ['fields out of order', withEntry('001/65435/vlan_vid=1001,in_port=1,'), 'canonical match'],
    ['a field twice', withEntry('001/65435/vlan_vid=1001,vlan_vid=1001,'), 'canonical match'],
    ['a leading zero', withEntry('001/65435/vlan_vid=01,'), 'hexadecimal'],
    ['an end that is cut off', withEntry('001/65435/vlan_vid=1001'), 'key of an entry'],
    ['instructions that are not there', withEntry(good, '1,"1"'), 'number of instructions'],
    ['a cookie of 65 bits', withEntry(good, '0,"10000000000000000"'), '64 bits'],
    ['half of the timeouts', withEntry(good, '0,"1",5'), 'entry expected'],
    ['an unknown action', '[1,"program",[[["apply_actions",[["explode"]]]]],[],[],[]]', 'known action'],
    ['an action with too much in it', '[1,"program",[[["apply_actions",[["pop_vlan",1]]]]],[],[],[]]', 'known action'],
    ['an entry twice', `[1,"program",[[]],[["${good}",0,"1"],["${good}",0,"1"]],[],[]]`, 'no key twice'],
    ['an unknown group type', '[1,"program",[],[],[[1,"some",[]]],[]]', 'group type'],
  ])('refuse %s', (_, text, words) => {
    const read = readProgram(text)
    expect(read.ok).toBe(false)
    expect(read).toMatchObject({ error: expect.stringContaining(words) })
  })

  it('refuse a change of nothing', () => {
    expect(readDifference('[1,"difference",[],[[null,null]],[],[]]').ok).toBe(false)
  })
})

import { describe, expect, it } from 'vitest'
import type { RowUpdate, Schema } from '#server/codec/ovsdb/index.ts'
import { createMirror } from '#server/datapath/openflow/ovsdb/mirror.ts'

const schema: Schema = {
  name: 'X',
  version: '1',
  tables: new Map([
    [
      'T',
      new Map([
        ['one', { several: false, initial: '' }],
        ['many', { several: true, initial: [] }],
      ]),
    ],
  ]),
}
const row = (uuid: string, one: string, many: readonly string[] = []): RowUpdate => ({
  type: 'initial',
  table: 'T',
  uuid,
  row: { one, many },
})

describe('the mirror of a database', () => {
  it('starts empty and takes rows, differences of sets and whole values of the rest', () => {
    const mirror = createMirror()
    expect(mirror.table('T').size).toBe(0)
    mirror.replace([row('a', 'x', ['p', 'q'])])
    const [change] = mirror.apply(
      [{ type: 'modify', table: 'T', uuid: 'a', row: { one: 'y', many: ['q', 'r'] } }],
      schema,
    )
    expect(change).toEqual({
      table: 'T',
      uuid: 'a',
      before: { one: 'x', many: ['p', 'q'] },
      after: { one: 'y', many: ['p', 'r'] },
    })
    expect(mirror.table('T').get('a')).toEqual({ one: 'y', many: ['p', 'r'] })
    mirror.apply([{ type: 'delete', table: 'T', uuid: 'a' }], schema)
    expect(mirror.table('T').size).toBe(0)
  })

  it('answers, after a loss, only what is not as it was', () => {
    const mirror = createMirror()
    mirror.replace([row('a', 'x'), row('b', 'x', ['p', 'q']), row('c', 'x')])
    const kept = mirror.table('T').get('b')
    const changes = mirror.replace([row('a', 'y'), row('b', 'x', ['q', 'p']), row('d', 'x')])
    expect(changes.map(({ uuid, before, after }) => `${uuid} ${before?.one ?? '-'} ${after?.one ?? '-'}`)).toEqual([
      'a x y',
      'd - x',
      'c x -',
    ])
    expect(mirror.table('T').get('b')).toBe(kept)
  })

  it('refuses a difference to a row that it does not have', () => {
    const update: RowUpdate = { type: 'modify', table: 'T', uuid: 'z', row: {} }
    expect(() => createMirror().apply([update], schema)).toThrow('a row of T was modified that nobody had announced')
  })
})

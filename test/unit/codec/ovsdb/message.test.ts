import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMessage, decodeSchema, decodeUpdates, encodeMessage, type Message } from '#server/codec/ovsdb/index.ts'
import { type JsonObject, parseJson } from '#server/codec/ovsdb/json.ts'
import { decodeOutcomes, encodeOperation, type Operation } from '#server/codec/ovsdb/operation.ts'
import { completeRow } from '#server/codec/ovsdb/schema.ts'

const decode = (text: string) => decodeMessage(parseJson(text) as JsonObject)

describe('JSON-RPC messages (RFC 7047, section 4)', () => {
  it.each<[string, Message]>([
    ['{"method":"echo","params":[1],"id":"x"}', { type: 'request', method: 'echo', params: [1], id: 'x' }],
    ['{"method":"update2","params":[],"id":null}', { type: 'notification', method: 'update2', params: [] }],
    ['{"result":[{}],"error":null,"id":4}', { type: 'response', result: [{}], error: null, id: 4 }],
  ])('%s is read and written', (text, message) => {
    expect(decode(text)).toEqual({ ok: true, value: message })
    expect(new TextDecoder().decode(encodeMessage(message))).toBe(text)
  })

  it.each([
    '{}',
    '{"method":"echo"}',
    '{"method":"echo","params":{}}',
    '{"result":1,"id":null}',
    '{"id":7}',
    '{"method":7,"params":[],"id":1}',
  ])('%s is refused', (text) => {
    expect(decode(text)).toMatchObject({ ok: false, error: { code: 'not_a_message' } })
  })
})

describe('operations (section 5.2)', () => {
  it.each<[Operation, unknown]>([
    [
      { op: 'insert', table: 'Port', uuidName: 'p', row: { name: 'vx0', interfaces: { namedUuid: 'i' } } },
      { op: 'insert', table: 'Port', 'uuid-name': 'p', row: { name: 'vx0', interfaces: ['named-uuid', 'i'] } },
    ],
    [
      { op: 'select', table: 'Bridge', where: [['name', '==', 'br0']], columns: ['name'] },
      { op: 'select', table: 'Bridge', where: [['name', '==', 'br0']], columns: ['name'] },
    ],
    [
      { op: 'update', table: 'Bridge', where: [], row: { protocols: ['OpenFlow13'] } },
      { op: 'update', table: 'Bridge', where: [], row: { protocols: ['set', ['OpenFlow13']] } },
    ],
    [
      { op: 'mutate', table: 'Bridge', where: [], mutations: [['ports', 'insert', [{ namedUuid: 'p' }]]] },
      { op: 'mutate', table: 'Bridge', where: [], mutations: [['ports', 'insert', ['set', [['named-uuid', 'p']]]]] },
    ],
    [
      { op: 'wait', table: 'Bridge', where: [], columns: ['name'], until: '!=', rows: [{ name: 'x' }], timeout_ms: 5 },
      { op: 'wait', table: 'Bridge', where: [], columns: ['name'], until: '!=', rows: [{ name: 'x' }], timeout: 5 },
    ],
    [
      { op: 'delete', table: 'Bridge', where: [] },
      { op: 'delete', table: 'Bridge', where: [] },
    ],
    [
      { op: 'commit', durable: true },
      { op: 'commit', durable: true },
    ],
    [
      { op: 'comment', comment: 'C-17' },
      { op: 'comment', comment: 'C-17' },
    ],
  ])('%o', (operation, json) => {
    expect(encodeOperation(operation)).toEqual(json)
  })

  it('answer their outcomes in order', () => {
    const answer = parseJson(
      '[{"uuid":["uuid","36bef046-7da7-43a5-905a-c17899216fcb"]},{"count":2},{"rows":[{"a":["set",[]]}]},{}]',
    )
    expect(decodeOutcomes(answer, 4)).toEqual({
      ok: true,
      value: { outcomes: [{ uuid: '36bef046-7da7-43a5-905a-c17899216fcb' }, { count: 2 }, { rows: [{ a: [] }] }, {}] },
    })
  })

  it('answer the error of the one that failed, or of the commit', () => {
    const refused = (text: string) => decodeOutcomes(parseJson(text), 2)
    expect(refused('[{},{"error":"timed out","details":"late"}]')).toEqual({
      ok: true,
      value: { refusal: { error: 'timed out', details: 'late', operation: 1 } },
    })
    expect(refused('[{"error":"timed out"},null]')).toMatchObject({ value: { refusal: { operation: 0 } } })
    expect(refused('[{},{},{"error":"referential integrity violation"}]')).toMatchObject({
      value: { refusal: { operation: undefined } },
    })
  })

  it('break the protocol when outcomes are missing or no objects', () => {
    for (const text of ['{}', '[]', '[{},7]', '[{},{"rows":[{"a":null}]}]', '[null,null]'])
      expect(decodeOutcomes(parseJson(text), 2).ok).toBe(false)
  })
})

describe('schema and updates', () => {
  const schema = decodeSchema(
    parseJson(`{"name":"Open_vSwitch","version":"8.3.1","tables":{"T":{"columns":{
      "name":{"type":"string"},"count":{"type":{"key":{"type":"integer","minInteger":0}}},
      "mode":{"type":{"key":{"type":"string","enum":["set",["a","b"]]},"min":0,"max":1}},
      "all":{"type":{"key":"string","min":0,"max":"unlimited"}},"pairs":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}}}}}}`),
  )

  it('tell which columns hold several values, and what they hold at first', () => {
    const columns = schema.ok ? schema.value.tables.get('T') : undefined
    expect([...(columns ?? [])].map(([name, { several }]) => `${name} ${several}`)).toEqual([
      'name false',
      'count false',
      'mode false',
      'all true',
      'pairs true',
    ])
    expect(
      schema.ok && completeRow(schema.value, 'T', ['name', 'count', 'mode', 'all', 'pairs'], { count: 3 }),
    ).toEqual({
      ...{ name: '', count: 3, mode: [], all: [], pairs: new Map() },
    })
  })

  it('are read, or refused without an exception', () => {
    const id = '36bef046-7da7-43a5-905a-c17899216fcb'
    expect(decodeUpdates(parseJson(`{"T":{"${id}":{"modify":{"all":"x"}}}}`))).toEqual({
      ok: true,
      value: [{ type: 'modify', table: 'T', uuid: id, row: { all: 'x' } }],
    })
    expect(decodeUpdates(parseJson(`{"T":{"${id}":{"delete":null}}}`))).toEqual({
      ok: true,
      value: [{ type: 'delete', table: 'T', uuid: id }],
    })
    expect(decodeUpdates(parseJson(`{"T":{"${id}":{}}}`)).ok).toBe(false)
    fc.assert(
      fc.property(fc.jsonValue(), (any) => {
        const json = parseJson(JSON.stringify(any))
        decodeUpdates(json)
        decodeSchema(json)
        decodeOutcomes(json, 1)
      }),
    )
  })
})

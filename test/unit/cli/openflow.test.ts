import { describe, expect, it } from 'vitest'
import { decodeLines, encodeLines, openflowCommand } from '#server/cli/openflow.ts'

const HELLO = '06000010000000010001000800000070'
const BARRIER = '0614000800000007'

async function* chunks(...parts: (string | Uint8Array)[]) {
  yield* parts
}

async function run(work: typeof decodeLines, ...parts: (string | Uint8Array)[]) {
  let out = ''
  const refused = await work(chunks(...parts), (text) => {
    out += text
  })
  return { refused, lines: out.split('\n').slice(0, -1) }
}

describe('weft openflow decode', () => {
  it('writes one line for each line, in order, errors too', async () => {
    const { lines, refused } = await run(decodeLines, `${HELLO}\nnonsense\n\n${BARRIER}00\n${BARRIER}\n`)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { ok: true, message: { version: 6, xid: 1, type: 'hello', elements: [{ type: 'versions', bitmaps: [0x70] }] } },
      { ok: false, error: { code: 'hex', offset: 0, message: expect.stringContaining('n') } },
      { ok: false, error: { code: 'truncated', offset: 0, message: expect.any(String) } },
      { ok: false, error: { code: 'length', offset: 2, message: expect.any(String) } },
      { ok: true, message: { type: 'barrier_request', xid: 7 } },
    ])
    expect(refused).toBe(3)
  })

  it('takes lines in any cut, with spaces, colons, carriage returns and no newline at the end', async () => {
    const bytes = new TextEncoder().encode(`${BARRIER}\r\n06:14:00:08 0000 0007`)
    const { lines } = await run(decodeLines, ...Array.from(bytes, (b) => new Uint8Array([b])))
    expect(lines.map((line) => JSON.parse(line).message.xid)).toEqual([7, 7])
  })

  it('refuses a line without end and goes on after it', async () => {
    const { lines } = await run(decodeLines, ...Array.from({ length: 50 }, () => '0'.repeat(10_000)), `\n${BARRIER}\n`)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { ok: false, error: { code: 'length' } },
      { ok: true },
    ])
  })
})

describe('weft openflow encode', () => {
  it('gives the bytes back that decode read', async () => {
    const { lines } = await run(decodeLines, `${HELLO}\n${BARRIER}\n`)
    const again = await run(encodeLines, lines.join('\n'))
    expect(again).toEqual({ refused: 0, lines: [HELLO, BARRIER] })
  })

  it('takes a bare message, and refuses what is none in its place', async () => {
    const bare = '{"version":6,"xid":7,"type":"barrier_request"}'
    const { lines, refused } = await run(encodeLines, `${bare}\n{}\nnot json\n{"ok":false,"error":{}}\n${bare}\n`)
    expect(lines[0]).toBe(BARRIER)
    expect(lines.slice(1, 4).map((line) => JSON.parse(line))).toMatchObject(
      Array(3).fill({ ok: false, error: { code: 'json' } }),
    )
    expect(lines[4]).toBe(BARRIER)
    expect(refused).toBe(3)
  })

  it('refuses a message that is too long for its header', async () => {
    const long = { version: 6, xid: 7, type: 'echo_request', data: '00'.repeat(65_530) }
    const { lines } = await run(encodeLines, JSON.stringify(long))
    expect(JSON.parse(lines[0] as string)).toMatchObject({ ok: false, error: { code: 'length' } })
  })
})

describe('the command', () => {
  it('has the two verbs', () => {
    expect(openflowCommand().commands.map((c) => c.name())).toEqual(['decode', 'encode'])
  })
})

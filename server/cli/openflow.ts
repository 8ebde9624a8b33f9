import { once } from 'node:events'
import { Command } from 'commander'
import { messageFromJson, messageToJson } from '#server/codec/openflow/json.ts'
import { decode, encode, type Message } from '#server/codec/openflow/message.ts'
import { fromHex, hexFault, toHex } from '#server/codec/wire/hex.ts'
import type { DecodeError } from '#server/codec/wire/reader.ts'
import { err, ok, type Result } from '#server/kernel/result.ts'
import { lines } from './lines.ts'

/** The longest message has 131,070 digits; spaces and colons between them may double that. */
const HEX_LINE_MAX = 400_000
/** The longest message in JSON is about forty times its bytes. */
const JSON_LINE_MAX = 8 << 20

type Write = (text: string) => void | Promise<void>
type Source = AsyncIterable<string | Uint8Array>

const refusal = (error: DecodeError): string => JSON.stringify({ ok: false, error })
const tooLong = (max: number): DecodeError => ({
  code: 'length',
  offset: max,
  message: `a line of more than ${max} characters`,
})

function decodeLine(line: string): string {
  const hex = line.replace(/[\s:]/g, '')
  const bad = hexFault(hex)
  if (bad >= 0) {
    const message =
      bad === hex.length
        ? 'an odd number of hexadecimal digits'
        : `${JSON.stringify(hex[bad])} is not a hexadecimal digit`
    return refusal({ code: 'hex', offset: bad >> 1, message })
  }
  const decoded = decode(fromHex(hex), { exact: true })
  if (!decoded.ok) return refusal(decoded.error)
  return JSON.stringify({ ok: true, message: messageToJson(decoded.value) })
}

function parse(line: string): Result<unknown, DecodeError> {
  try {
    return ok(JSON.parse(line))
  } catch (e) {
    return err({ code: 'json', offset: 0, message: (e as Error).message })
  }
}

/** The message of a line, which is bare or in what `decode` writes around it. */
function unwrap(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || !Object.hasOwn(json, 'ok')) return json
  return (json as { message?: unknown }).message
}

function encodeMessage(message: Message): Result<string, DecodeError> {
  try {
    return ok(toHex(encode(message)))
  } catch (e) {
    if (e instanceof RangeError) return err({ code: 'length', offset: 0, message: e.message })
    throw e
  }
}

function encodeLine(line: string): Result<string, DecodeError> {
  const json = parse(line)
  if (!json.ok) return json
  const message = messageFromJson(unwrap(json.value))
  return message.ok ? encodeMessage(message.value) : message
}

/**
 * Reads one OpenFlow message per line in hex and writes one JSON line for each, in order: `{"ok":true,"message":{…}}` or
 * `{"ok":false,"error":{"code","offset","message"}}`. Order and form of the message are kept, so that `encodeLines` gives
 * the same bytes. Answers how many lines were refused.
 */
export async function decodeLines(input: Source, write: Write): Promise<number> {
  let refused = 0
  for await (const batch of lines(input, HEX_LINE_MAX)) {
    const out = batch.map((line) => (line === undefined ? refusal(tooLong(HEX_LINE_MAX)) : decodeLine(line)))
    refused += out.filter((line) => line.startsWith('{"ok":false')).length
    await write(out.map((line) => `${line}\n`).join(''))
  }
  return refused
}

/**
 * Reads one message per line in JSON, bare or as `decodeLines` writes it, and writes its hex; a line that is refused gives
 * an error line of the same form as there. Answers how many lines were refused.
 */
export async function encodeLines(input: Source, write: Write): Promise<number> {
  let refused = 0
  for await (const batch of lines(input, JSON_LINE_MAX)) {
    const out = batch.map((line) => (line === undefined ? err(tooLong(JSON_LINE_MAX)) : encodeLine(line)))
    refused += out.filter((one) => !one.ok).length
    await write(out.map((one) => `${one.ok ? one.value : refusal(one.error)}\n`).join(''))
  }
  return refused
}

async function toStdout(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

/** `weft openflow decode` and `weft openflow encode`, from standard input to standard output. */
export function openflowCommand(): Command {
  const command = new Command('openflow').description('read and write OpenFlow messages')
  command
    .command('decode')
    .description('one message per line in hex, to one line of JSON each')
    .action(async () => {
      await decodeLines(process.stdin, toStdout)
    })
  command
    .command('encode')
    .description('one message per line in JSON, to one line of hex each')
    .action(async () => {
      if ((await encodeLines(process.stdin, toStdout)) > 0) process.exitCode = 1
    })
  return command
}

import { fromJson, toJson } from '#server/codec/wire/json.ts'
import { type DecodeError, reading } from '#server/codec/wire/reader.ts'
import type { Result } from '#server/kernel/result.ts'
import { type Message, messageShape } from './message.ts'

/**
 * The JSON form of a message: counters as decimal strings, field values, cookies and masks as `0x…`, bytes as
 * hexadecimal digits, Ethernet addresses as text.
 */
export const messageToJson = (message: Message): unknown => toJson(messageShape, message)

/** Reads the JSON form; refuses whatever is not exactly a message, naming the path. */
export const messageFromJson = (json: unknown): Result<Message, DecodeError> =>
  reading(() => fromJson(messageShape, json, '') as Message)

const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Writes bytes as lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = ''
  for (let i = from; i < to; i++) text += PAIRS[bytes[i] as number]
  return text
}

const digit = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** Where the first character stands that is not a hexadecimal digit; the length for an odd count; -1 when all is well. */
export function hexFault(text: string): number {
  for (let i = 0; i < text.length; i++) if (digit(text.charCodeAt(i)) < 0) return i
  return text.length % 2 === 0 ? -1 : text.length
}

/** Reads hexadecimal digits that `hexFault` accepts. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1)
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = (digit(text.charCodeAt(2 * i)) << 4) | digit(text.charCodeAt(2 * i + 1))
  return bytes
}

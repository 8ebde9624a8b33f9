/**
 * Cuts a stream of text into lines, as many at a time as a chunk completes. A line of more than `max` characters is not
 * kept: it comes as `undefined` in its place.
 */
export async function* lines(
  input: AsyncIterable<string | Uint8Array>,
  max: number,
): AsyncGenerator<readonly (string | undefined)[]> {
  const decoder = new TextDecoder()
  let held: string[] = []
  let length = 0

  const keep = (text: string) => {
    length += text.length
    if (length <= max) held.push(text)
    else held = []
  }
  const finish = (): string | undefined => {
    const line = length > max ? undefined : held.join('').replace(/\r$/, '')
    held = []
    length = 0
    return line
  }

  for await (const chunk of input) {
    const parts = (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })).split('\n')
    const out: (string | undefined)[] = []
    for (const [i, part] of parts.entries()) {
      keep(part)
      if (i < parts.length - 1) out.push(finish())
    }
    if (out.length > 0) yield out
  }
  if (length > 0) yield [finish()]
}

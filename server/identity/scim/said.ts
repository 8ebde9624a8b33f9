import SCIMMY from 'scimmy'

type Json = Readonly<Record<string, unknown>>

const FILTER_MAX = 2_000
const PATH_MAX = 500
const PATH_WORDS = `A path has at most ${PATH_MAX} characters, no escapes, and names nothing that all objects have.`

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const refuse = (scimType: string, words: string): never => {
  throw new SCIMMY.Types.Error(400, scimType, words)
}

/**
 * What the library must never read. Quoted text with a backslash or a line break takes its grammar exponential time, and it
 * does not unescape it either; names of what every object inherits lead it to write there.
 */
const isWild = (text: string, max: number) => text.length > max || /[\\\p{Cc}]/u.test(text) || INHERITED.test(text)
// Also between quotes: where those begin and end the library sees otherwise in groups.
const INHERITED = /__proto__|(?:^|[^\w-])(?:prototype|constructor)(?:$|[^\w@-])/i

/** A filter, or a list of attributes, that the library may read. Throws SCIM's error (`invalidFilter`). */
export function tameFilter(text: unknown): string {
  if (typeof text !== 'string') return refuse('invalidFilter', 'It is there more than once.')
  if (isWild(text, FILTER_MAX))
    return refuse(
      'invalidFilter',
      `A filter has at most ${FILTER_MAX} characters, no escapes, and names nothing that all objects have.`,
    )
  return text
}

const plain = (value: unknown): unknown =>
  typeof value === 'string' && /^(true|false)$/i.test(value) ? value.toLowerCase() === 'true' : value

/** `active` where it stands in an object, whatever the case of its name. */
const withActive = (object: Json): Json =>
  Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, name.toLowerCase() === 'active' ? plain(value) : value]),
  )

function* textsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value
  else if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value)) {
      yield name
      yield* textsOf(inner)
    }
}

/** What is to be taken out becomes a filter: its text stands between quotes there, if at all. */
function tameRemoval(value: unknown): void {
  for (const text of textsOf(value))
    if (isWild(text, PATH_MAX) || text.includes('"'))
      refuse('invalidValue', 'What is to be removed is too long, or has quotes, escapes or control characters.')
}

/** Names of fields, at any depth: some become paths. */
function tameNames(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    if (isWild(name, PATH_MAX)) refuse('invalidPath', PATH_WORDS)
    tameNames(inner)
  }
}

function operation(one: unknown): unknown {
  if (!isObject(one)) return refuse('invalidSyntax', 'An operation is no object.')
  const { op, path, value } = one
  if (typeof path === 'string' && isWild(path, PATH_MAX)) refuse('invalidPath', PATH_WORDS)
  if (typeof op === 'string' && op.toLowerCase() === 'remove') tameRemoval(value)
  if (typeof path === 'string' && path.toLowerCase() === 'active') return { ...one, value: plain(value) }
  return isObject(value) ? { ...one, value: withActive(value) } : one
}

/**
 * A body that the library may read, with true and false as JSON has them: Entra ID writes them as text (`"active": "False"`).
 * Throws SCIM's error for paths and removals that are not well formed.
 */
export function tameBody(body: unknown): unknown {
  if (!isObject(body)) return body
  tameNames(body)
  const { Operations: operations } = body
  return Array.isArray(operations) ? { ...body, Operations: operations.map(operation) } : withActive(body)
}

import type { Client } from './client.ts'
import { CommandFailure, EXIT } from './exit.ts'
import type { CliProcedure } from './nouns.ts'

type Item = Readonly<Record<string, unknown>>
type Nouns = ReadonlyMap<string, ReadonlyMap<string, CliProcedure>>

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Names of what something belongs to, of which one may stand before its own name: `red/web`. */
const OWNERS = ['tenantName', 'networkName', 'serverName', 'datapathName'] as const

const belongsTo = (item: Item, owner: string) => OWNERS.some((field) => item[field] === owner)

/** What people call an object of that kind: subnets go by their prefix. */
const nameField = (noun: string) => (noun === 'subnet' ? 'prefix' : 'name')

function choose(noun: string, typed: string, found: readonly Item[]): string {
  const [only, ...more] = found
  if (only === undefined) throw new CommandFailure(EXIT.notFound, `There is no ${noun} ${typed}.`)
  if (more.length === 0) return String(only.id)
  const names = found.map((item) => {
    const owner = OWNERS.map((field) => item[field]).find((name) => name !== undefined)
    return owner === undefined ? String(item.id) : `${owner}/${item[nameField(noun)]}`
  })
  throw new CommandFailure(EXIT.usage, `${typed} may be any of ${names.join(', ')}: say which.`)
}

/** Lists what has a name, by pages. `change`: the draft to look into. */
async function listed(client: Client, list: CliProcedure, name: string, change: string | undefined): Promise<Item[]> {
  const draft = change !== undefined && list.fields.some((field) => field.name === 'change') ? { change } : {}
  const filter = `${nameField(list.noun)}:eq:${name}`
  const items: Item[] = []
  let cursor: string | undefined
  do {
    const fields = { filter, limit: 500, cursor, ...draft }
    const page = (await client.call({ method: 'GET', path: list.path, fields })) as {
      items: Item[]
      next: string | null
    }
    items.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  // A list that knows no such filter answers more.
  return items.filter((item) => item[nameField(list.noun)] === name)
}

/** Finds the id of what is called so (`web`, `red/web`, `C-17`, or an id). Throws `CommandFailure`. */
export async function resolveName(
  client: Client,
  nouns: Nouns,
  noun: string,
  typed: string,
  change?: string,
): Promise<string> {
  if (ID.test(typed)) return typed
  if (noun === 'change') {
    const found = (await client.call({ method: 'GET', path: `/changes/${encodeURIComponent(typed)}` })) as Item
    return String(found.id)
  }
  const list = nouns.get(noun)?.get('list')
  if (!list)
    throw new CommandFailure(EXIT.usage, `${typed} is not an id, and there is no list of ${noun}s to look it up in.`)
  const whole = await listed(client, list, typed, change)
  const slash = typed.indexOf('/')
  if (whole.length > 0 || slash < 0) return choose(noun, typed, whole)
  const [owner, name] = [typed.slice(0, slash), typed.slice(slash + 1)]
  const found = await listed(client, list, name, change)
  return choose(
    noun,
    typed,
    found.filter((item) => belongsTo(item, owner)),
  )
}

/** The revision of an object, as its `show` or its list says. */
export async function revisionOf(
  client: Client,
  nouns: Nouns,
  noun: string,
  id: string,
  change: string | undefined,
): Promise<number> {
  const draft = change === undefined ? {} : { change }
  const show = nouns.get(noun)?.get('show')
  if (show) {
    const item = (await client.call({ method: 'GET', path: show.path.replace('{id}', id), fields: draft })) as Item
    return Number(item.revision)
  }
  const list = nouns.get(noun)?.get('list')
  let cursor: string | undefined
  while (list) {
    const fields = { limit: 500, cursor, ...draft }
    const page = (await client.call({ method: 'GET', path: list.path, fields })) as {
      items: Item[]
      next: string | null
    }
    const item = page.items.find((one) => one.id === id)
    if (item) return Number(item.revision)
    if (page.next === null) break
    cursor = page.next
  }
  throw new CommandFailure(EXIT.notFound, `There is no ${noun} ${id}.`)
}

import type { ConsoleDirectory, ConsoleRecord } from '#server/identity/federation/console-ports.ts'
import { brokenRules, notFound, Refusal, staleRevision } from '#server/kernel/refusal.ts'
import { type Database, isUniqueViolation, type Scope, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'

export const CONSOLE_FIELDS: Fields = {
  ...{ name: 'text', displayName: 'text', tenantId: 'id', tenantName: 'text', state: 'text', entityId: 'text' },
}

const CONSOLES = Prisma.sql`SELECT c.id, c.name, c.display_name AS "displayName", c.tenant_id AS "tenantId", t.name AS "tenantName",
    c.state, c.entity_id AS "entityId", c.metadata, c.home_url AS "homeUrl", c.release, c.options, c.revision
  FROM service_provider c LEFT JOIN tenant t ON t.id = c.tenant_id`

interface ConsoleRow extends Omit<ConsoleRecord, 'encrypt'> {
  readonly options: { readonly encrypt?: boolean }
}

const consoleOf = ({ options, ...row }: ConsoleRow): ConsoleRecord => ({ ...row, encrypt: options.encrypt === true })

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Consoles as sign-in and logout find them: all of them, whoever asks. */
export function consoleDirectory({ engine }: Database): ConsoleDirectory {
  const find = async (where: string, values: readonly string[]): Promise<ConsoleRecord[]> => {
    const { rows } = await engine.query<ConsoleRow>(
      `SELECT * FROM (${CONSOLES.text}) q WHERE ${where} ORDER BY q."displayName", q.name`,
      [...values],
    )
    return rows.map(consoleOf)
  }
  return {
    byId: async (id) => (UUID.test(id) ? (await find('q.id = $1', [id]))[0] : undefined),
    byEntity: async (entityId) => (await find('q."entityId" = $1', [entityId]))[0],
    open: () => find(`q.state = 'open'`, []),
  }
}

export type NewConsole = Omit<ConsoleRecord, 'tenantName' | 'revision' | 'state'>

/** What can be changed of a console; what is absent stays. */
export interface ConsolePatch {
  readonly displayName?: string | undefined
  readonly state?: ConsoleRecord['state'] | undefined
  readonly metadata?: string | undefined
  readonly homeUrl?: string | null | undefined
  readonly release?: ConsoleRecord['release'] | undefined
  readonly encrypt?: boolean | undefined
}

export interface ConsoleAdministration {
  list(scope: Scope, request: ListRequest): Promise<Page<ConsoleRecord>>
  get(scope: Scope, id: string): Promise<ConsoleRecord>
  create(scope: Scope, console: NewConsole): Promise<ConsoleRecord>
  update(scope: Scope, id: string, revision: number, patch: ConsolePatch): Promise<ConsoleRecord>
  /** With the names that people have there, and what is known of their sessions. */
  remove(scope: Scope, id: string, revision: number): Promise<void>
}

async function find(tx: Transaction, id: string): Promise<ConsoleRecord> {
  const [row] = await tx.$queryRaw<ConsoleRow[]>`SELECT * FROM (${CONSOLES}) q WHERE q.id = ${id}::uuid`
  if (!row) throw notFound('console')
  return consoleOf(row)
}

const taken = ({ name, entityId }: NewConsole, error: unknown): Refusal => {
  const byEntity = String((error as Error).message).includes('entity')
  const [pointer, rule, message, mend] = byEntity
    ? ['/metadata', 'console.entity-taken', `${entityId} is registered already.`, 'Change the console that is there.']
    : ['/name', 'console.name-taken', `The name ${name} is taken.`, 'Choose another name.']
  return new Refusal('conflict', message, [{ pointer, rule, message, mend }])
}

async function createIn(tx: Transaction, { encrypt, release, ...console }: NewConsole): Promise<ConsoleRecord> {
  const { id, tenantId } = console
  if (tenantId !== null && !(await tx.tenant.findUnique({ where: { id: tenantId } })))
    throw brokenRules([
      {
        ...{ pointer: '/tenantId', rule: 'console.tenant', message: 'There is no such tenant.' },
        mend: 'Name one that exists.',
      },
    ])
  await tx.serviceProvider.create({ data: { ...console, release: [...release], options: { encrypt } } })
  return find(tx, id)
}

/** Consoles as those who administer them see them: within a scope, which the database holds to. */
export function consoleAdministration(database: Database): ConsoleAdministration {
  return {
    list: (scope, request) =>
      database.inScope(scope, async (tx) => {
        const ordered = { ...request, sort: request.sort ?? 'name' }
        const { items, next } = await pageOf<ConsoleRow>(tx, CONSOLES, CONSOLE_FIELDS, ordered)
        return { items: items.map(consoleOf), next }
      }),
    get: (scope, id) => database.inScope(scope, (tx) => find(tx, id)),
    create: (scope, console) =>
      database
        .inScope(scope, (tx) => createIn(tx, console))
        .catch((error: unknown) => {
          throw isUniqueViolation(error) ? taken(console, error) : error
        }),
    update: (scope, id, revision, { encrypt, release, ...patch }) =>
      database.inScope(scope, async (tx) => {
        const data = {
          ...Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)),
          ...(release && { release: [...release] }),
          ...(encrypt !== undefined && { options: { encrypt } }),
        }
        const where = { id, revision }
        const { count } = await tx.serviceProvider.updateMany({ where, data: { ...data, revision: { increment: 1 } } })
        const held = await find(tx, id)
        if (count === 0) throw staleRevision(revision, held.revision)
        return held
      }),
    remove: (scope, id, revision) =>
      database.inScope(scope, async (tx) => {
        const held = await find(tx, id)
        if (held.revision !== revision) throw staleRevision(revision, held.revision)
        await tx.serviceProvider.delete({ where: { id } })
      }),
  }
}

import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import type { AccessMoves } from '#server/identity/ports.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import { Prisma, PrismaClient } from './generated/client.ts'
import { type Listening, listening } from './moves.ts'

/** Whose rows a piece of work may see and write: one tenant's, one site's, or (both null) everybody's. The database itself holds to it. */
export interface Scope {
  readonly tenantId: string | null
  readonly siteId?: string | null
}

/** Whether a scope is everybody's. */
export const seesAll = ({ tenantId, siteId }: Scope): boolean => tenantId === null && !siteId

/** Sees all rows: operators, auditors, and the engine's own work for them. */
export const EVERYTHING: Scope = { tenantId: null }

/** A transaction as `weft_app`, confined to a scope. */
export type Transaction = Prisma.TransactionClient

/** A transaction as `weft_engine`, which sees all rows. */
export type EngineTransaction = pg.PoolClient

export interface Database {
  /** Runs `work` in one transaction that sees the rows of `scope` alone. */
  inScope<T>(scope: Scope, work: (tx: Transaction) => Promise<T>): Promise<T>
  /** Runs `work` in one transaction as the engine. `snapshot`: it sees one moment, and only reads. */
  asEngine<T>(work: (tx: EngineTransaction) => Promise<T>, mode?: 'snapshot'): Promise<T>
  /** A single statement as the engine. */
  engine: pg.Pool
  /** Word of what sessions stand on, whoever writes it. */
  readonly moves: AccessMoves
  close(): Promise<void>
}

export interface DatabaseUrls {
  /** Signs in as `weft_app`. */
  readonly app: string
  /** Signs in as `weft_engine`. */
  readonly engine: string
}

export interface DatabaseOptions {
  readonly onError?: (error: Error) => void
  /** Connections for each role. */
  readonly connections?: number
}

const BEGIN = { snapshot: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', write: 'BEGIN' }

// Timestamps are read as text by nobody: pg gives Date, int8 and numeric are asked for as text or bigint where they pass 53 bits.
function poolOf(url: string, max: number, { hear }: Listening): pg.Pool {
  return new pg.Pool({ connectionString: url, max, idleTimeoutMillis: 30_000, onConnect: hear })
}

/** Opens both sides of the database; nothing is connected until it is used. */
export function openDatabase(urls: DatabaseUrls, options: DatabaseOptions = {}): Database {
  const { onError = () => {}, connections = 8 } = options
  const moves = listening(urls.engine, onError)
  const app = poolOf(urls.app, connections, moves)
  const adapter = new PrismaPg(app, { onPoolError: onError, disposeExternalPool: true })
  const prisma = new PrismaClient({ adapter })
  const engine = poolOf(urls.engine, connections, moves)
  engine.on('error', onError)
  return {
    engine,
    moves,
    inScope: (scope, work) =>
      prisma
        .$transaction(
          async (tx) => {
            const all = seesAll(scope) ? 'all' : ''
            await tx.$queryRaw`SELECT set_config('weft.scope', ${all}, true), set_config('weft.tenant', ${scope.tenantId ?? ''}, true),
            set_config('weft.sites', ${scope.siteId ?? ''}, true)`
            return work(tx)
          },
          // Requests queue for a connection rather than fail while many write at once.
          { maxWait: 20_000, timeout: 30_000 },
        )
        .catch((error: unknown) => {
          throw isRowSecurity(error)
            ? new Refusal('forbidden', 'Refused by row-level security: that lies outside of where you work.')
            : error
        }),
    async asEngine(work, mode) {
      const client = await engine.connect()
      let broken: Error | undefined
      try {
        await client.query(BEGIN[mode ?? 'write'])
        const result = await work(client)
        await client.query('COMMIT')
        return result
      } catch (error) {
        await client.query('ROLLBACK').catch((failure: Error) => {
          broken = failure
        })
        throw error
      } finally {
        client.release(broken)
      }
    },
    async close() {
      await moves.close()
      await prisma.$disconnect()
      if (!app.ended) await app.end()
      await engine.end()
    },
  }
}

/** Waits for, then holds until the end of the transaction, the lock of that name. */
export const lock = (tx: Transaction, name: string): Promise<unknown> =>
  tx.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))::text`

/** Whether a statement failed since row-level security does not let the row be written. */
export const isRowSecurity = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('row-level security')

/** Whether a statement failed since a row with the same key is there: as Prisma tells it of its own and of raw ones, and as pg does. */
export function isUniqueViolation(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError)
    return error.code === 'P2002' || (error.code === 'P2010' && error.message.includes('`23505`'))
  return error instanceof Error && (error as { code?: unknown }).code === '23505'
}

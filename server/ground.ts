import type { AnyRouter } from '@orpc/server'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { sessionHandlers } from './api/session.ts'
import { userHandlers } from './api/users.ts'
import type { Config } from './config.ts'
import type { InventoryFile } from './contract/inventory.ts'
import type { EventBus } from './http/events.ts'
import { FIRST_OPERATOR, forgetFirstPassword } from './identity/first-operator.ts'
import type { AccountStore, AuditSink, IdempotencyStore } from './identity/ports.ts'
import { type Sessions, sessionKeeper } from './identity/sessions.ts'
import { localSignIn } from './identity/sign-in.ts'
import { accountStore, sessionStore } from './inventory/accounts.ts'
import { auditLog } from './inventory/audit.ts'
import { type Database, EVERYTHING, openDatabase } from './inventory/database.ts'
import { idempotencyStore } from './inventory/idempotency.ts'
import { type InfrastructureStore, infrastructureStore } from './inventory/infrastructure.ts'

/** What the process gives to the engine. */
export interface Surroundings {
  readonly config: Config
  readonly log: Logger
  readonly events: EventBus
  readonly metrics: Registry
}

/** The engine, put together but at rest. */
export interface Wired {
  /** Implements the contract. */
  readonly router: AnyRouter
  readonly accounts: AccountStore
  readonly sessions: Sessions
  readonly audit: AuditSink
  readonly idempotency: IdempotencyStore
  /** Whether each part can work. */
  health(): Promise<Readonly<Record<string, boolean>>>
  importInventory(file: InventoryFile): ReturnType<InfrastructureStore['import']>
  /** Begins to work: recovery, listeners, jobs. */
  start(): Promise<void>
  /** Ends what is under way and lets go of everything. */
  stop(): Promise<void>
}

/** A line of the log is news, too. */
const announced = (audit: AuditSink, events: EventBus): AuditSink => ({
  async record(entry) {
    await audit.record(entry)
    events.publish({ topic: 'audit', kind: entry.outcome, ref: entry.action, tenantId: entry.tenantId })
  },
})

/** Sign-in, accounts, audit and idempotency over the database, with the procedures that belong to them. */
export function layGround({ config, events }: Pick<Surroundings, 'config' | 'events'>, database: Database) {
  const accounts = accountStore(database)
  const sessions = sessionKeeper(sessionStore(database), config.session)
  const signIn = localSignIn(accounts, sessions, config.signIn)
  const product = { ...config.product, instance: config.instance, demo: config.demo }
  const onPasswordChanged = async (name: string) => {
    if (name === FIRST_OPERATOR) await forgetFirstPassword(config.state)
  }
  return {
    ...{ accounts, sessions, audit: announced(auditLog(database), events), idempotency: idempotencyStore(database) },
    handlers: {
      session: sessionHandlers({ signIn, sessions, product, onPasswordChanged }),
      users: userHandlers(accounts),
    },
  }
}

/** An engine of the ground alone: people can sign in, and hardware can be declared. */
export async function wire({ config, log, events }: Surroundings): Promise<Wired> {
  const database = openDatabase(config.database.urls, { onError: (error) => log.error({ err: error }, 'database') })
  const { handlers, ...ground } = layGround({ config, events }, database)
  const health = async () => ({
    database: await database.engine.query('SELECT 1').then(
      () => true,
      () => false,
    ),
  })
  return {
    ...{ ...ground, router: handlers, health },
    importInventory: (file) => infrastructureStore(database).import(EVERYTHING, file),
    start: async () => undefined,
    stop: () => database.close(),
  }
}

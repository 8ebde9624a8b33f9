import { stat } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import path from 'node:path'
import { type Config, ROOT } from '#server/config.ts'
import { keepPassword } from '#server/identity/first-operator.ts'
import { makePassword } from '#server/identity/first-password.ts'
import { hashPassword } from '#server/identity/password.ts'
import { migrate } from '#server/inventory/migrate.ts'
import { type Recovered, recoverOperator } from '#server/inventory/recovery.ts'
import { prepareDatabase } from './database.ts'
import { claimInstance, runningSupervisor, sweepInstance } from './instance.ts'
import { startPostgres } from './postgres.ts'

export interface RecoveryOptions {
  readonly account: string
  readonly withoutFactors: boolean
}

/** Whoever owns the installation's folder may do as they like with its data anyway. Throws for anybody else. */
async function requireOwner({ state, instance }: Config): Promise<void> {
  const folder = await stat(state).catch(() => undefined)
  if (!folder) throw new Error(`There is no installation ${instance} here (${state}): \`./weft up\` makes one.`)
  if (folder.uid !== process.getuid?.())
    throw new Error(`Only the user who owns ${state} recovers an operator: that is the user of number ${folder.uid}.`)
}

/** Runs `work` while the database is there: the one of a running instance, or one that is started for it. */
async function withDatabase<T>(config: Config, work: () => Promise<T>): Promise<T> {
  const { embedded, admin, urls } = config.database
  if (runningSupervisor(config)) return work()
  const claim = await claimInstance(config)
  try {
    const data = path.join(config.state, 'database')
    const postgres = embedded ? await startPostgres({ data, run: config.run }) : undefined
    try {
      await prepareDatabase(admin, { embedded })
      await migrate(urls.owner, path.join(ROOT, 'prisma/migrations'))
      return await work()
    } finally {
      await postgres?.stop()
    }
  } finally {
    await sweepInstance(config)
    claim.release()
  }
}

/**
 * Lets an operator in again who lost every other way, whether the engine runs or not. The new password is kept in a file of
 * the installation's folder until it is changed.
 */
export async function recover(config: Config, { account: name, withoutFactors }: RecoveryOptions) {
  await requireOwner(config)
  const password = makePassword()
  const by = `${userInfo().username}@${hostname()}`
  const passwordEndsAt = new Date(Date.now() + config.signIn.firstPassword_ms)
  const recovery = { name, withoutFactors, by, passwordHash: await hashPassword(password), passwordEndsAt }
  const recovered: Recovered = await withDatabase(config, () => recoverOperator(config.database.urls.engine, recovery))
  const file = await keepPassword(config.state, name, password)
  return { ...recovered, password, passwordEndsAt, file }
}

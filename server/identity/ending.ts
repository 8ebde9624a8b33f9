import type { SessionRegister } from './ports.ts'
import type { Sessions } from './sessions.ts'

/**
 * Sessions of which those that are ended together are ended one by one, so that the consoles that they opened are told. `end`:
 * ends one, and tells its consoles.
 */
export const endedEach = (
  sessions: Sessions,
  register: Pick<SessionRegister, 'own'>,
  end: (hash: string) => Promise<void>,
): Sessions => ({
  ...sessions,
  async endOthers(accountId, session) {
    const own = await register.own(accountId, sessions.alive())
    try {
      await Promise.all(own.map(({ hash }) => (hash === session ? undefined : end(hash))))
    } finally {
      // Whoever could not be told, and whoever came in meanwhile: they are over all the same.
      await sessions.endOthers(accountId, session)
    }
  },
})

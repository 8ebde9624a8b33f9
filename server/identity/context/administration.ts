import { formatPrefix, type Prefix } from '#server/kernel/prefix.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import type { Caller } from '../sessions.ts'
import { isIn, isOwnHost } from './network.ts'

/** Lets a dangerous act through from where such acts are done, or throws a `Refusal` (`forbidden`). */
export type AdministrationGate = (caller: Caller, address: string) => void

/**
 * Dangerous acts are done from these networks alone, where some are named. A break-glass account does them on the host
 * itself besides: it must work when all else is down.
 */
export const administrationFrom =
  (prefixes: readonly Prefix[]): AdministrationGate =>
  ({ account }, address) => {
    if (prefixes.length === 0 || isIn(prefixes, address)) return
    if (account.breakGlass && isOwnHost(address)) return
    const message = `This is not done from ${address}.`
    throw new Refusal('forbidden', message, [
      {
        ...{ pointer: '', rule: 'administration.from', limit: prefixes.map(formatPrefix).join(', '), message },
        mend: 'Do it from a network for administration.',
      },
    ])
  }

import { Refusal, type RefusalDetail } from '#server/kernel/refusal.ts'
import type { Duty } from './duties.ts'
import { stepUpPath } from './freshness.ts'
import type { Caller } from './sessions.ts'

const detail = (rule: Duty, message: string, mend: string): RefusalDetail => ({
  ...{ pointer: '', rule: `owed.${rule}`, message, mend },
})

function secondFactorMend(caller: Caller): string {
  const path = stepUpPath(caller)
  if (path !== null) return `Open ${path} in the browser, and prove it there by several factors.`
  return 'Send a passkey (or password and code) to POST /session/step-up; where there is none yet, register one by POST /credentials/passkeys or POST /credentials/totp first.'
}

const detailOf = (duty: Duty, caller: Caller): RefusalDetail =>
  duty === 'password'
    ? detail(
        ...([duty, 'The password was made for its person, who has to choose an own one.'] as const),
        'Send it with a new one to PUT /session/password.',
      )
    : detail(duty, 'A second factor has to be proved.', secondFactorMend(caller))

/** Lets nobody go on who still owes something. Throws `Refusal` (`owed`) that says what settles it. */
export function requireSettled(caller: Caller): void {
  if (caller.owes.length === 0) return
  const errors = caller.owes.map((duty) => detailOf(duty, caller))
  const who = caller.token ? `The owner of the token ${caller.token.name}` : 'This session'
  throw new Refusal('owed', `${who} still owes: ${caller.owes.join(', ')}.`, errors)
}

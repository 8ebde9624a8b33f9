/** On it the page to which a provider leads back after a fresh sign-in tells the one that waits. */
export const PROVED_CHANNEL = 'weft-proved'

type Settle = (proved: boolean) => void

let waiting: readonly Settle[] = []
const listeners = new Set<() => void>()
function tell(next: readonly Settle[]) {
  waiting = next
  for (const listener of listeners) listener()
}

/** Asks the person to prove anew who they are; answers whether they did. Calls that ask meanwhile wait for the same proof. */
export const askForProof = (): Promise<boolean> =>
  listeners.size === 0 ? Promise.resolve(false) : new Promise((resolve) => tell([...waiting, resolve]))

/** Lets the calls that wait go on, or refuses them. */
export function settleProof(proved: boolean): void {
  const settled = waiting
  tell([])
  for (const settle of settled) settle(proved)
}

/** Follows whether calls wait for a proof. */
export function onProofAsked(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Whether calls wait for a proof. */
export const isProofAsked = (): boolean => waiting.length > 0

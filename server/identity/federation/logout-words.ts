import type { Participant } from './logout-ports.ts'

/** The page that says who was signed out and who was not. */
export const SIGNED_OUT = '/signed-out'

const everybody = (participants: readonly Participant[]) =>
  participants.every(({ outcome }) => outcome === 'signed-out')

/** Whether nobody waits for the browser any more. */
export const isOver = (participants: readonly Participant[]): boolean =>
  participants.every(({ outcome }) => outcome !== 'waiting')

/** What a peer is answered. */
export const outcomeOf = (participants: readonly Participant[]): 'success' | 'partial' =>
  everybody(participants) ? 'success' : 'partial'

/** The reason of a line about a logout that is over, and was not followed by everybody. */
export const fallsShort = (participants: readonly Participant[]): { readonly reason?: string } =>
  isOver(participants) && !everybody(participants) ? { reason: 'partial-logout' } : {}

/** The page's address, with the names that it shows. */
export function reportOf(participants: readonly Participant[]): string {
  const named = participants.map(({ displayName, outcome }) => [
    outcome === 'signed-out' ? 'ended' : 'left',
    displayName,
  ])
  return named.length === 0 ? SIGNED_OUT : `${SIGNED_OUT}?${new URLSearchParams(named)}`
}

/** Who was signed out and who was not, for the audit log. */
export function toldWords(participants: readonly Participant[]): string {
  if (participants.length === 0) return 'Nobody else took part.'
  const words = participants.map(
    ({ displayName, outcome, reason }) => `${displayName}: ${outcome}${reason === null ? '' : ` (${reason})`}`,
  )
  return `${words.join(', ')}.`
}

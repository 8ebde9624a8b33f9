import type { Task } from '#server/contract/changes.ts'
import type { State } from '#server/contract/networks.ts'
import type { Event } from '#server/http/events.ts'
import type { ChangeStore } from '#server/inventory/changes.ts'
import type { Scope } from '#server/inventory/database.ts'
import type { Writer, Written } from '#server/inventory/drafts.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import type { SignedInContext } from './door.ts'

/** Where objects of intent stand on the datapaths, as last read. */
export interface Observed {
  networkState(id: string): State
  portState(id: string): State
  /** Packets of a port that were dropped for a source that is not its own; null when not read yet. */
  spoofed(portId: string): string | null
}

export interface IntentParts {
  readonly changes: Pick<ChangeStore, 'discard'>
  readonly observed: Observed
  /** Begins to commit a change; answers its task. Throws `Refusal` when it cannot be. */
  readonly commit: (scope: Scope, changeId: string) => Promise<Task>
  readonly publish: (event: Event) => void
}

/** The answer to a write of intent, as the contract's `written` has it. */
export interface Answer<T> {
  readonly item: T
  readonly change: { readonly id: string; readonly name: string }
  readonly task: Task | null
}

export const scopeOf = ({ scope }: Pick<SignedInContext, 'scope'>): Scope => scope

export const writerOf = (context: SignedInContext, change: string | undefined): Writer => ({
  scope: scopeOf(context),
  actor: { name: context.account.name, role: context.account.role },
  change,
})

/** The revision in `If-Match`; the door refuses procedures that need one and come without. */
export function revisionOf({ ifMatch }: SignedInContext): number {
  if (ifMatch === undefined) throw new Refusal('revision-required', 'The revision that this is based on is missing.')
  return ifMatch
}

/** How an object of intent stands: in a draft, on its way, or as observed. */
export function stateOf(drafted: boolean, inDraft: boolean, observed: () => State): State {
  if (!drafted) return observed()
  return inDraft
    ? { state: 'draft', words: 'Edited in this draft, not committed.' }
    : { state: 'moving', words: 'Being committed.' }
}

/** An object of intent as the audit log keeps it: what people wrote, not how it stands on the datapaths. */
export function pictured<T extends object>(item: T): Omit<T, 'state' | 'drafted' | 'spoofed'> {
  const { state: _, drafted: __, spoofed: ___, ...rest } = item as T & Record<'state' | 'drafted' | 'spoofed', unknown>
  return rest
}

/**
 * Answers a write. Inside a draft nothing more happens; a change of one edit is committed at once, and gone again when
 * that is refused, so that a refused write leaves nothing behind.
 */
export async function settle<T extends object | null>(
  parts: IntentParts,
  context: SignedInContext,
  kind: string,
  { id, tenantId, draft }: Written,
  view: (change: string, inDraft: boolean) => Promise<T>,
): Promise<Answer<T>> {
  const scope = scopeOf(context)
  Object.assign(context.note, { subject: `${kind}/${id}`, tenantId, changeId: draft.id, detail: draft.name })
  const change = { id: draft.id, name: draft.name }
  const item = await view(draft.id, !draft.own)
  context.note.after = item && pictured(item)
  if (!draft.own) {
    parts.publish({ topic: 'change', kind: 'edited', ref: draft.id, tenantId })
    return { item, change, task: null }
  }
  try {
    return { item, change, task: await parts.commit(scope, draft.id) }
  } catch (error) {
    await parts.changes.discard(scope, draft.id)
    throw error
  }
}

import { parseMetadata } from '../saml/metadata.ts'
import type { SpDescription } from '../saml/provider.ts'
import { type Checked, checking, refuse } from '../saml/result.ts'
import type { ConsoleRecord } from './console-ports.ts'

/** What a console's metadata says, if it is in force at that moment. */
export type ConsoleDescriptions = (
  console: Pick<ConsoleRecord, 'id' | 'entityId' | 'metadata'>,
  now_ms: number,
) => Checked<SpDescription>

const KEPT_MAX = 200

/** Reads metadata once for as long as it stays the same. */
export function consoleDescriptions(rsaBits: number): ConsoleDescriptions {
  const kept = new Map<string, { readonly metadata: string; readonly description: SpDescription }>()
  const read: ConsoleDescriptions = ({ id, metadata }, now_ms) =>
    checking((trail) => {
      const held = kept.get(id)
      if (held?.metadata === metadata) return held.description
      const { sp } = trail.take(parseMetadata(metadata, now_ms, { role: 'sp', rsaBits }))
      if (sp === undefined) return refuse('metadata', 'The metadata describes no service provider.')
      if (kept.size >= KEPT_MAX) kept.clear()
      kept.set(id, { metadata, description: sp })
      return sp
    })
  return (console, now_ms) =>
    checking((trail) => {
      const description = trail.take(read(console, now_ms))
      const { entityId, validUntil_ms } = description
      if (validUntil_ms !== undefined && validUntil_ms <= now_ms)
        refuse('metadata', `The metadata expired on ${new Date(validUntil_ms).toISOString()}.`)
      if (entityId !== console.entityId)
        refuse('metadata', `The metadata is of another console than ${console.entityId}.`)
      trail.pass('metadata', `The metadata of ${entityId} is in force.`)
      return description
    })
}

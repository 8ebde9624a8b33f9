import type { Facts, ObjectState, Observation } from '../capability.ts'
import type { DatapathFact } from '../infrastructure.ts'
import type { NetworkIntent } from './model.ts'
import { datapathsOf, type Presence, presences } from './place.ts'

type Standing = Pick<ObjectState, 'state' | 'words'>

const named = (datapaths: readonly DatapathFact[]): string => datapaths.map(({ name }) => name).join(', ')

/** Where something stands that is held when all of these datapaths hold what is wanted of them. */
function standing(datapaths: readonly DatapathFact[], observed: Observation): Standing {
  const where = (state: string) => datapaths.filter(({ id }) => (observed.datapaths.get(id) ?? 'moving') === state)
  const [drifted, away, moving] = [where('drifted'), where('away'), where('moving')]
  if (drifted.length > 0) return { state: 'drifted', words: `Changed by hand on ${named(drifted)}` }
  if (away.length > 0) return { state: 'pending', words: `Waits for ${named(away)}, which is away` }
  if (moving.length > 0) return { state: 'pending', words: `Under way on ${named(moving)}` }
  return { state: 'held', words: datapaths.length === 0 ? 'Needs nothing yet' : `Held by ${named(datapaths)}` }
}

const standingOf = (presence: Presence | undefined, observed: Observation): Standing =>
  standing(presence ? datapathsOf(presence) : [], observed)

/** Networks and ports are held when every datapath concerned holds what is wanted of it. */
export function status(
  intent: NetworkIntent,
  { infrastructure }: Facts,
  observed: Observation,
): readonly ObjectState[] {
  const present = new Map(presences(intent, infrastructure).map((one) => [one.network.id, one]))
  const placed = new Set([...present.values()].flatMap(({ members }) => members.map(({ port }) => port.id)))
  const networks = [...intent.networks.keys()].map(
    (id): ObjectState => ({ subject: `network/${id}`, ...standingOf(present.get(id), observed) }),
  )
  const ports = intent.ports.map(({ id, networkId }): ObjectState => {
    if (!placed.has(id))
      return { subject: `port/${id}`, state: 'failed', words: 'Its datapath does not report a port for its attachment' }
    return { subject: `port/${id}`, ...standingOf(present.get(networkId), observed) }
  })
  return [...networks, ...ports]
}

import { INSTALLATION_RIGHTS, type Right, ROLES, SITE_RIGHTS } from '#server/contract/rights.ts'
import type { Binding, Whose } from './ports.ts'

/** Somewhere that a person has rights: everywhere, one tenant, or one site. */
export interface Place {
  readonly tenantId: string | null
  readonly tenantName: string | null
  readonly siteId: string | null
  readonly siteName: string | null
}

/** What somebody may do, and where. */
export interface Access extends Place {
  readonly rights: ReadonlySet<Right>
  /** The strongest role that counts there, for people to read. */
  readonly role: string
  /** The bindings that count there: each right comes from one of them. */
  readonly bindings: readonly Binding[]
}

const NOWHERE: Place = { tenantId: null, tenantName: null, siteId: null, siteName: null }

const isEverywhere = ({ tenantId, siteId }: Pick<Place, 'tenantId' | 'siteId'>) => tenantId === null && siteId === null

const same = (a: Whose, b: Whose) => a.tenantId === b.tenantId && (a.siteId ?? null) === (b.siteId ?? null)

/** The places where somebody has rights: the widest first, then by name. */
export function placesOf(bindings: readonly Binding[]): Place[] {
  const places: Place[] = []
  for (const { tenantId, tenantName, siteId, siteName } of bindings)
    if (!places.some((place) => same(place, { tenantId, siteId })))
      places.push({ tenantId, tenantName, siteId, siteName })
  const order = (place: Place) =>
    `${isEverywhere(place) ? 0 : place.tenantId ? 1 : 2}${place.tenantName ?? place.siteName ?? ''}`
  return places.sort((a, b) => order(a).localeCompare(order(b)))
}

/** Whether a right can be had at a place: some have no tenant, most have no site. */
export function countsAt(right: Right, { tenantId, siteId }: Whose): boolean {
  if (siteId) return SITE_RIGHTS.includes(right)
  return tenantId === null || !INSTALLATION_RIGHTS.includes(right)
}

const strength = (role: string) => {
  const at = (ROLES as readonly string[]).indexOf(role)
  return at < 0 ? ROLES.length : at
}

/**
 * What somebody may do at the place that they chose, or at the widest one that they have. What they hold everywhere counts
 * at every place too. Without any binding: nothing, nowhere.
 */
export function accessOf(bindings: readonly Binding[], wanted: Whose = NOWHERE): Access {
  const places = placesOf(bindings)
  const chosen = places.find((place) => same(place, wanted)) ?? places[0] ?? NOWHERE
  const counting = bindings.filter((binding) => isEverywhere(binding) || same(binding, chosen))
  const rights = new Set(counting.flatMap((binding) => binding.rights).filter((right) => countsAt(right, chosen)))
  const [role = 'none'] = counting.map((binding) => binding.role).sort((a, b) => strength(a) - strength(b))
  return { ...chosen, rights, role, bindings: counting }
}

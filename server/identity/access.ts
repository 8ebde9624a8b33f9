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

/** Whether a place is no single one. */
export const isEverywhere = ({ tenantId, siteId }: Whose): boolean => tenantId === null && !siteId

/** Whether two places are one. */
export const samePlace = (a: Whose, b: Whose): boolean =>
  a.tenantId === b.tenantId && (a.siteId ?? null) === (b.siteId ?? null)

/** The places where somebody has rights: the widest first, then by name. */
export function placesOf(bindings: readonly Binding[]): Place[] {
  const places: Place[] = []
  for (const { tenantId, tenantName, siteId, siteName } of bindings)
    if (!places.some((place) => samePlace(place, { tenantId, siteId })))
      places.push({ tenantId, tenantName, siteId, siteName })
  const order = (place: Place) =>
    `${isEverywhere(place) ? 0 : place.tenantId ? 1 : 2}${place.tenantName ?? place.siteName ?? ''}`
  return places.sort((a, b) => order(a).localeCompare(order(b)))
}

/** A place as people read it. */
export const nameOfPlace = ({ tenantId, tenantName, siteId, siteName }: Place): string => {
  if (tenantId !== null) return `tenant ${tenantName ?? tenantId}`
  return siteId === null ? 'everywhere' : `site ${siteName ?? siteId}`
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

/** What somebody may do at one place: what they hold there, and what they hold everywhere. */
export function accessAt(bindings: readonly Binding[], place: Place): Access {
  const counting = bindings.filter((binding) => isEverywhere(binding) || samePlace(binding, place))
  const rights = new Set(counting.flatMap((binding) => binding.rights).filter((right) => countsAt(right, place)))
  const [role = 'none'] = counting.map((binding) => binding.role).sort((a, b) => strength(a) - strength(b))
  const { tenantId, tenantName, siteId, siteName } = place
  return { tenantId, tenantName, siteId, siteName, rights, role, bindings: counting }
}

/** What somebody may do at the place that they chose, or at the widest one that they have. Without any binding: nothing, nowhere. */
export function accessOf(bindings: readonly Binding[], wanted: Whose = NOWHERE): Access {
  const places = placesOf(bindings)
  return accessAt(bindings, places.find((place) => samePlace(place, wanted)) ?? places[0] ?? NOWHERE)
}

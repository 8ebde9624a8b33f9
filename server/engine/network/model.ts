import type { IntentRow } from '#server/engine/capability.ts'

/** A tenant network: one VXLAN segment. */
export interface Network {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  /** 1 to 16,777,215. */
  readonly vni: number
  /** Largest IP packet of the tenant, in bytes. */
  readonly mtu: number
}

export interface Subnet {
  readonly id: string
  readonly networkId: string
  /** In prefix notation, host bits zero: `10.0.0.0/24` or `2001:db8::/64`. */
  readonly prefix: string
  readonly gateway: string | null
}

export interface Port {
  readonly id: string
  readonly networkId: string
  readonly name: string
  readonly attachmentId: string
  readonly mac: string
  /** The addresses that the port may use; others are spoofed. */
  readonly addresses: readonly string[]
  /** The VLAN id that its frames carry at the attachment, 1 to 4094; null: untagged. */
  readonly vlan: number | null
}

export interface NetworkIntent {
  readonly networks: ReadonlyMap<string, Network>
  readonly subnets: readonly Subnet[]
  readonly ports: readonly Port[]
}

/** Sorts rows of the three kinds into the model, in the order of their ids so that compiling is repeatable. */
export function networkIntent(rows: readonly IntentRow[]): NetworkIntent {
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1))
  const of = <T>(kind: string): T[] =>
    sorted.filter((r) => r.kind === kind).map((r) => ({ id: r.id, ...(r.value as object) }) as T)
  return {
    networks: new Map(of<Network>('network').map((n) => [n.id, n])),
    subnets: of<Subnet>('subnet'),
    ports: of<Port>('port'),
  }
}

/** Facts about servers, datapaths and the places where ports can be plugged in, resolved against what the devices report. */
export interface ServerFact {
  readonly id: string
  readonly name: string
  /** The tunnel end's IPv4 address. */
  readonly vtep: string
  /** Largest IP packet that the underlay carries, in bytes. */
  readonly underlayMtu: number
}

/** `edge`: hosts are plugged in here (smart NIC); `fabric`: the server's own switch, which holds the tunnel. */
export type DatapathRole = 'edge' | 'fabric'

export interface DatapathFact {
  readonly id: string
  readonly name: string
  readonly serverId: string
  readonly role: DatapathRole
  /** The port that leads to the server's fabric datapath; edges alone. */
  readonly uplinkPort?: number
  /** On the fabric datapath of the same server: the port that leads to this edge. */
  readonly peerPort?: number
  /** The port of the flow-based tunnel; fabrics alone. */
  readonly tunnelPort?: number
  /** What the device last said of itself; absent when it was never connected. */
  readonly limits?: {
    readonly tables: number
    readonly tableDefault: number
    readonly groupTypes: readonly string[]
    readonly maxGroups: number
    readonly features: readonly string[]
  }
}

/** A place where a tenant's port can be plugged in: one virtual NIC of a host. */
export interface AttachmentFact {
  readonly id: string
  readonly name: string
  readonly datapathId: string
  /** The port number on its datapath; absent when the device does not report a port of that name. */
  readonly port?: number
  readonly mac: string
}

export interface Infrastructure {
  readonly servers: ReadonlyMap<string, ServerFact>
  readonly datapaths: ReadonlyMap<string, DatapathFact>
  readonly attachments: ReadonlyMap<string, AttachmentFact>
}

import { BRIDGES, HOST_MTU, type LabPlan, type LabServerPlan, PORTS, UNDERLAY_MTU } from './topology.ts'

export interface LabDatapath {
  readonly name: string
  readonly server: string
  readonly kind: 'nic' | 'server'
  /** 16 hexadecimal digits. */
  readonly datapathId: string
  readonly bridge: string
  /** Where the switch's database is dialled. */
  readonly ovsdb: string
  /** Where the console listens for this bridge; the switch dials it. */
  readonly controller: string
  readonly tunnelPort?: string
}

/** What a console must know of the lab: a plain value, fit for YAML. */
export interface LabInventory {
  readonly site: string
  readonly servers: readonly { name: string; vtep: string; vtepMac: string; underlayMtu: number; nic: string }[]
  readonly nics: readonly { name: string; server: string; profile: string }[]
  readonly datapaths: readonly LabDatapath[]
  readonly links: readonly { from: LabEnd; to: LabEnd }[]
  readonly attachments: readonly LabAttachment[]
}

export interface LabEnd {
  readonly datapath: string
  readonly port: string
  readonly ofport: number
}

/** A place where a host is attached: an interface of the NIC's bridge. */
export interface LabAttachment extends LabEnd {
  readonly name: string
  readonly mac: string
  readonly mtu: number
}

const nicName = (server: LabServerPlan) => `nic-${server.number}`

function datapathsOf(server: LabServerPlan): LabDatapath[] {
  const ovsdb = `unix:${server.dir}/db.sock`
  return [
    {
      ...{ name: nicName(server), server: server.name, kind: 'nic', datapathId: server.nicDatapath },
      ...{ bridge: BRIDGES.nic, ovsdb, controller: `unix:${server.dir}/nic.sock` },
    },
    {
      ...{ name: server.name, server: server.name, kind: 'server', datapathId: server.serverDatapath },
      ...{ bridge: BRIDGES.server, ovsdb, controller: `unix:${server.dir}/srv.sock`, tunnelPort: PORTS.tunnel.name },
    },
  ]
}

function linkOf(server: LabServerPlan): { from: LabEnd; to: LabEnd } {
  const { nicPatch, serverPatch } = PORTS
  return {
    from: { datapath: nicName(server), port: nicPatch.name, ofport: nicPatch.ofport },
    to: { datapath: server.name, port: serverPatch.name, ofport: serverPatch.ofport },
  }
}

const attachmentsOf = (server: LabServerPlan): LabAttachment[] =>
  server.hosts.map(({ name, port, ofport, mac }) => {
    return { name, datapath: nicName(server), port, ofport, mac, mtu: HOST_MTU }
  })

/** Describes a lab as a console's inventory would. */
export function describeLab({ servers }: LabPlan): LabInventory {
  return {
    site: 'lab',
    servers: servers.map((server) => {
      const { name, vtep, vtepMac } = server
      return { name, vtep, vtepMac, underlayMtu: UNDERLAY_MTU, nic: nicName(server) }
    }),
    nics: servers.map((server) => ({ name: nicName(server), server: server.name, profile: 'openflow-nic' })),
    datapaths: servers.flatMap(datapathsOf),
    links: servers.map(linkOf),
    attachments: servers.flatMap(attachmentsOf),
  }
}

import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Config } from '#server/config.ts'
import type { InventoryFile } from '#server/contract/inventory.ts'
import { createLab, type Lab, type LabInventory, labObstacles } from '#server/lab/index.ts'

export const labFolder = ({ state }: Pick<Config, 'state'>): string => path.join(state, 'lab')
export const labInventoryFile = (config: Pick<Config, 'state'>): string => path.join(config.state, 'lab-inventory.json')

/** The lab as an installation declares its hardware. */
export function inventoryOfLab({ site, servers, nics, datapaths, links, attachments }: LabInventory): InventoryFile {
  const linkOf = (name: string) => links.find(({ from }) => from.datapath === name)
  const nicOf = (name: string) => nics.find((nic) => nic.name === name)?.name ?? null
  return {
    sites: [{ name: site, words: 'Two servers in network namespaces on this machine' }],
    servers: servers.map(({ name, vtep, underlayMtu }) => ({ name, site, vtep, underlayMtu })),
    nics: nics.map(({ name, server, profile }) => ({ name, server, profile, limits: {} })),
    datapaths: datapaths.map((datapath) => {
      const { name, server, kind, datapathId, bridge, ovsdb, controller, tunnelPort } = datapath
      const link = linkOf(name)
      return {
        ...{ name, server, datapathId, bridge, ovsdb, controller },
        nic: kind === 'nic' ? nicOf(name) : null,
        role: kind === 'nic' ? ('edge' as const) : ('fabric' as const),
        uplink: link?.from.port ?? null,
        fabric: link?.to.datapath ?? null,
        fabricPort: link?.to.port ?? null,
        tunnel: tunnelPort ?? null,
      }
    }),
    attachments: attachments.map(({ name, datapath, port, mac }) => ({ name, datapath, port, mac })),
  }
}

/** Builds the lab and writes its inventory down for the engine. Undefined, with the reasons logged, where it cannot be built. */
export async function startLab(config: Config, log: (line: string) => void): Promise<Lab | undefined> {
  const obstacles = labObstacles()
  if (obstacles.length > 0) {
    log(`going on without the lab: ${obstacles.join('; ')}`)
    return undefined
  }
  await mkdir(config.state, { recursive: true, mode: 0o700 })
  const lab = await createLab({ instance: config.instance, dir: labFolder(config), log })
  await writeFile(labInventoryFile(config), JSON.stringify(inventoryOfLab(lab.inventory()), null, 2), { mode: 0o600 })
  return lab
}

import type { Config } from '#server/config.ts'
import { EVERYTHING, openDatabase } from '#server/inventory/database.ts'
import { networkViews } from '#server/inventory/views.ts'
import type { Lab } from '#server/lab/index.ts'
import { attend, type Resident, type Residents } from '#server/lab/residents.ts'

const ALL = { conditions: [], limit: 500 }

const lengthOf = (address: string, prefixes: readonly string[]): string => {
  const family = address.includes(':')
  return prefixes.find((prefix) => prefix.includes(':') === family)?.split('/')[1] ?? (family ? '128' : '32')
}

/** Has the lab's hosts live as their committed ports say. */
export function startResidents(config: Config, lab: Lab): Residents {
  const database = openDatabase(config.database.urls, { connections: 1 })
  const views = networkViews(database)
  const residents = async (): Promise<Resident[]> => {
    const { items: ports } = await views.ports(EVERYTHING, ALL, {})
    const { items: subnets } = await views.subnets(EVERYTHING, ALL, {})
    return ports
      .filter(({ vlan }) => vlan === null)
      .map(({ attachmentName, networkId, addresses }) => {
        const prefixes = subnets.filter((subnet) => subnet.networkId === networkId).map(({ prefix }) => prefix)
        const others = ports.filter((port) => port.networkId === networkId && port.attachmentName !== attachmentName)
        const peer = others.at(-1)?.addresses[0]
        return {
          host: attachmentName,
          addresses: addresses.map((address) => `${address}/${lengthOf(address, prefixes)}`),
          ...(peer !== undefined && { peer }),
        }
      })
  }
  const attending = attend(lab, residents)
  return {
    async stop() {
      await attending.stop()
      await database.close()
    },
  }
}

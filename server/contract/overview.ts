import { z } from 'zod'
import { Id, Name, procedure, Time } from './base.ts'
import { ChangeSummary } from './changes.ts'

/** The weave: servers are the warp, networks the weft; a knot says how many ports a network has on a server. */
export const Overview = z.object({
  at: Time,
  sites: z.array(z.object({ id: Id, name: Name, words: z.string() })),
  servers: z.array(
    z.object({
      id: Id,
      name: Name,
      siteId: Id,
      profile: z.string().nullable(),
      ports: z.number().int(),
      datapaths: z.array(z.object({ id: Id, name: Name, state: z.enum(['held', 'away', 'drifted', 'moving']) })),
      entries: z.number().int(),
      entryLimit: z.number().int().nullable(),
    }),
  ),
  networks: z.array(
    z.object({
      id: Id,
      name: Name,
      vni: z.number().int(),
      tenantName: Name,
      thread: z.number().int(),
      knots: z.array(z.object({ serverId: Id, ports: z.number().int() })),
    }),
  ),
  totals: z.object({
    networks: z.number().int(),
    ports: z.number().int(),
    datapaths: z.number().int(),
    holding: z.number().int(),
    entries: z.number().int(),
    tunnelPackets: z.string(),
    tunnelBytes: z.string(),
    spoofed: z.string(),
    misses: z.string(),
  }),
  attention: z.array(
    z.object({
      severity: z.enum(['bad', 'warn', 'moving']),
      title: z.string(),
      words: z.string(),
      since: Time.nullable(),
      href: z.string(),
      action: z.string(),
    }),
  ),
  links: z.array(
    z.object({ from: z.string(), to: z.string(), datapathId: Id, packets: z.string(), bytes: z.string() }),
  ),
  changes: z.array(ChangeSummary),
})
export type Overview = z.infer<typeof Overview>

export const overview = {
  get: procedure({ right: 'overview.read', shown: { attention: 'seen' }, cli: { noun: 'overview', verb: 'show' } })
    .route({
      method: 'GET',
      path: '/overview',
      tags: ['overview'],
      summary: 'Servers, networks and what needs attention',
    })
    .output(Overview),
}

/** What `/events` sends: something moved, read it again. Server-sent events; `Last-Event-ID` replays 10 minutes, else `resync`. */
export const EventMessage = z.object({
  id: z.string(),
  at: Time,
  topic: z.enum([
    'network',
    'change',
    'task',
    'datapath',
    'inventory',
    'tenant',
    'audit',
    'provider',
    'console',
    'alert',
    'notice',
    'resync',
  ]),
  kind: z.string(),
  ref: z.string(),
  revision: z.number().int().nullable(),
})
export type EventMessage = z.infer<typeof EventMessage>

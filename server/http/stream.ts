import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { nameOf } from '#server/api/door.ts'
import type { EventMessage } from '#server/contract/overview.ts'
import { decide } from '#server/identity/decide.ts'
import type { DecisionSink, Whence } from '#server/identity/ports.ts'
import type { Caller, Sessions } from '#server/identity/sessions.ts'
import { requireSettled } from '#server/identity/settled.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import { callerOf, sessionIdOf } from './caller.ts'
import type { EventBus } from './events.ts'
import { whenceOf } from './whence.ts'

export interface StreamParts {
  readonly events: EventBus
  readonly sessions: Sessions
  readonly decisions?: DecisionSink | undefined
  /** Name of the session cookie. */
  readonly cookie: string
  /** How often a line is sent when there is nothing to say; the session is looked at again then. */
  readonly heartbeat_ms?: number
}

/** A client that reads so slowly is cut off; it comes back with `Last-Event-ID`. */
const BACKLOG_BYTES = 1 << 20

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
}

const frame = (message: EventMessage) =>
  `id: ${message.id}\nevent: ${message.topic}\ndata: ${JSON.stringify(message)}\n\n`

function lastIdOf({ headers, query }: FastifyRequest): string | undefined {
  const last = headers['last-event-id'] ?? (query as { lastEventId?: unknown }).lastEventId
  return typeof last === 'string' && last !== '' ? last.slice(0, 128) : undefined
}

const sameAccess = (a: Caller, b: Caller) =>
  a.scope.tenantId === b.scope.tenantId && a.scope.siteId === b.scope.siteId && setEquals(a.rights, b.rights)

const setEquals = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>) => a.size === b.size && a.isSubsetOf(b)

/** Sends events to one client until it goes, falls behind, or its session ends. */
function follow(
  { events, sessions, heartbeat_ms = 15_000 }: StreamParts,
  id: string,
  caller: Caller,
  { lastId, from }: { lastId: string | undefined; from: Whence },
  reply: FastifyReply,
) {
  const { raw } = reply
  let end: () => void = () => undefined
  const write = (text: string) => {
    if (raw.destroyed || raw.writableEnded) return
    raw.write(text)
    if (raw.writableLength > BACKLOG_BYTES) raw.destroy()
  }
  /** Ends the stream with the session, and where its person may do something else than before: also since hours ended. */
  const look = async (): Promise<boolean> => {
    const still = await sessions.look(id, from).catch(() => caller)
    const same = still !== undefined && still.owes.length === 0 && sameAccess(still, caller)
    if (!same) raw.end()
    return same
  }
  const beat = setInterval(async () => {
    if (await look()) write(': still here\n\n')
  }, heartbeat_ms)
  const forget = sessions.watch(caller, () => void look())
  raw.once('close', () => {
    clearInterval(beat)
    forget()
    end()
  })
  write('retry: 1000\n\n')
  const { account, rights, scope } = caller
  const listener = { accountId: account.id, rights, scope, take: (m: EventMessage) => write(frame(m)) }
  end = events.subscribe(listener, lastId)
  // It may have ended before anybody watched.
  void look()
}

/** `/events`: server-sent events, filtered by right and tenant. */
export function registerStream(app: FastifyInstance, parts: StreamParts): void {
  const open = new Set<FastifyReply>()
  app.addHook('preClose', async () => {
    for (const reply of open) reply.raw.end()
  })
  app.get('/events', async (request, reply) => {
    const id = sessionIdOf(request, parts.cookie)
    const caller = await callerOf(request, parts.cookie, parts.sessions)
    if (id === undefined || !caller) throw new Refusal('unauthenticated', 'Nobody is signed in.')
    requireSettled(caller)
    parts.decisions?.record({
      ...{ accountId: caller.account.id, account: nameOf(caller), tenantId: caller.scope.tenantId },
      ...{ address: request.ip, procedure: 'events', right: 'self', kind: 'read' },
      ...decide({ right: 'self', writes: false }, caller),
    })
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value)
    reply.raw.writeHead(200, STREAM_HEADERS)
    open.add(reply)
    reply.raw.once('close', () => open.delete(reply))
    follow(parts, id, caller, { lastId: lastIdOf(request), from: whenceOf(request) }, reply)
  })
}

/**
 * Whole sign-ins through a SAML provider, over HTTP and with a real database: the request, and the response that is
 * verified (signed twice), used up, weighed by the rules and answered with a session and a line in the audit log.
 * The provider's own work, which is not ours, is done between the two and not counted; that of the client, which runs in
 * the same process, is. `node test/bench/sign-in.ts [sign-ins] [at once]`
 */
import { auditLog } from '#server/inventory/audit.ts'
import { startSignIn } from '#test/unit/http/saml/ground.ts'

const [sign_ins = 500, at_once = 8] = process.argv.slice(2).map(Number)
const LIMIT = { perSecond: 50, cpu_ms: 15 }

/** Runs `work` for every item, so many at once; answers seconds and CPU milliseconds of this process for each. */
async function timed<T, R>(items: readonly T[], work: (item: T) => Promise<R>) {
  const results: R[] = []
  const cpu = process.cpuUsage()
  const start_ms = performance.now()
  let next = 0
  const lane = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at] as T)
  }
  await Promise.all(Array.from({ length: at_once }, lane))
  const { user, system } = process.cpuUsage(cpu)
  return { results, seconds: (performance.now() - start_ms) / 1000, cpu_ms: (user + system) / 1000 / items.length }
}

const ground = await startSignIn({ WEFT_FEDERATED_TRIES_PER_ADDRESS: '100000' }, auditLog)
try {
  const idp = await ground.provider()
  const round = async (people: number, encrypted: boolean) => {
    const numbers = Array.from({ length: people }, (_, n) => n)
    const out = await timed(numbers, () => ground.setOut(idp, '&returnTo=/networks'))
    const responses = []
    for (const [n, { requestId, relayState, cookie }] of out.results.entries())
      responses.push({
        relayState,
        cookie,
        response: await ground.respond(idp, { requestId, encrypted, nameId: `p${n}` }),
      })
    const back = await timed(responses, ({ relayState, cookie, response }) =>
      ground.post({ SAMLResponse: response, RelayState: relayState }, { cookie }),
    )
    const failed = back.results.filter(({ status }) => status !== 303).length
    if (failed > 0) throw new Error(`${failed} of ${people} were refused: ${ground.audit.lines.at(-1)?.detail}`)
    return { perSecond: people / (out.seconds + back.seconds), begin_ms: out.cpu_ms, cpu_ms: back.cpu_ms }
  }
  await round(50, false)
  for (const [what, encrypted, people] of [
    ['first sign-ins', false, sign_ins],
    ['again', false, sign_ins],
    ['again, encrypted', true, Math.min(sign_ins, 200)],
  ] as const) {
    const { perSecond, begin_ms, cpu_ms } = await round(people, encrypted)
    const verdict = perSecond >= LIMIT.perSecond && cpu_ms <= LIMIT.cpu_ms ? 'within' : 'BEYOND'
    process.stdout.write(
      `${what.padEnd(18)} ${perSecond.toFixed(0).padStart(5)} per second, CPU ${begin_ms.toFixed(1)} ms to set out and ` +
        `${cpu_ms.toFixed(1)} ms to come back: ${verdict} ${LIMIT.perSecond} per second and ${LIMIT.cpu_ms} ms\n`,
    )
  }
} finally {
  await ground.close()
}

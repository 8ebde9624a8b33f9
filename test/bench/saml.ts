/**
 * CPU time of a SAML sign-in, without the database: reading the form, finding the provider, all checks, and a session
 * id. Run: `node test/bench/saml.ts`. The limit is 15 ms for a signed response, session included.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readPost } from '#server/identity/saml/post.ts'
import { checkResponse, inResponseToOf, issuerOf } from '#server/identity/saml/response.ts'
import { rsaCredential } from '#test/unit/identity/saml/credentials.ts'
import { describeProvider, genuine, genuineEncrypted, inputFor } from '#test/unit/identity/saml/forge.ts'

const LIMIT_ms = 15
const COUNT = 200

const provider = rsaCredential()
const ours = rsaCredential()
const input = inputFor(describeProvider(provider), [ours])

async function signIn(form: string): Promise<void> {
  const posted = readPost({ SAMLResponse: form })
  if (!posted.ok) throw new Error(posted.detail)
  issuerOf(posted.value.xml)
  inResponseToOf(posted.value.xml)
  const checked = await checkResponse(posted.value.xml, input)
  if (!checked.ok) throw new Error(checked.detail)
  createHash('sha256').update(randomBytes(32)).digest()
}

async function cpuOf(name: string, xml: string): Promise<void> {
  const form = Buffer.from(xml).toString('base64')
  for (let i = 0; i < COUNT; i++) await signIn(form)
  const before = process.cpuUsage()
  for (let i = 0; i < COUNT; i++) await signIn(form)
  const { user, system } = process.cpuUsage(before)
  const each_ms = (user + system) / 1000 / COUNT
  const verdict = each_ms <= LIMIT_ms ? 'within' : 'OVER'
  console.log(`${name}: ${each_ms.toFixed(2)} ms of CPU each, ${verdict} ${LIMIT_ms} ms`)
  if (each_ms > LIMIT_ms) process.exitCode = 1
}

await cpuOf('response signed', genuine('response', provider))
await cpuOf('assertion signed', genuine('assertion', provider))
await cpuOf('both signed', genuine('both', provider))
await cpuOf('both signed, assertion encrypted', await genuineEncrypted('both', provider, ours.certificate))

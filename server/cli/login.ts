import { readFile } from 'node:fs/promises'
import type { Config } from '#server/config.ts'
import type { Session } from '#server/contract/session.ts'
import { apiClient, type Client, type Secrets } from './client.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { askedSecrets, askSecret, isTerminal } from './prompt.ts'
import { keepSession } from './session-file.ts'

interface LoginParts {
  readonly config: Config
  readonly log: (line: string) => void
}

export interface LoginOptions {
  readonly passwordFile?: string
  readonly newPasswordFile?: string
}

/** Asked for once, however often it is needed; `changed` is told of the one that counts from then on. */
function askedOnce(secrets: Secrets) {
  let password: Promise<string> | undefined
  return {
    ...secrets,
    password: () => {
      password ??= secrets.password()
      return password
    },
    changed: (next: string) => {
      password = Promise.resolve(next)
    },
  }
}

/** A password of one's own: out of a file, or typed twice. */
async function chosenPassword(file: string | undefined): Promise<string> {
  if (file !== undefined) return (await readFile(file, 'utf8')).trimEnd()
  if (!isTerminal())
    throw new CommandFailure(
      EXIT.unauthorised,
      'The password was made for this account, which needs one of its own: give it by --new-password-file FILE.',
    )
  const chosen = await askSecret('The password was made for you. Choose your own: ')
  if ((await askSecret('The same again: ')) !== chosen)
    throw new CommandFailure(EXIT.usage, 'The two differ. Sign in again.')
  return chosen
}

/** Has codes by time asked from now on, and proves the first one; passkeys need a browser. */
async function addCodes(client: Client, { secondFactor }: Session, { url }: Config, say: LoginParts['log']) {
  if (secondFactor !== 'required' || !isTerminal())
    throw new CommandFailure(
      EXIT.unauthorised,
      `This account still owes a second factor: sign in at ${url} to add one. Scripts use an API token (\`./weft token create\`).`,
    )
  const { secret, uri } = (await client.call({ method: 'POST', path: '/credentials/totp/begin' })) as Record<
    'secret' | 'uri',
    string
  >
  say('A second factor is asked for here. Enter this secret into an authenticator:')
  say(`  ${secret.match(/.{1,4}/g)?.join(' ')}`)
  say(`  ${uri}`)
  const code = await askSecret('The code that it shows: ')
  await client.call({ method: 'POST', path: '/credentials/totp', fields: { code } })
}

/** How many of what its person was told are unread. */
async function unreadNotices(client: Client): Promise<number> {
  const fields = { filter: 'state:eq:unread', limit: 200 }
  const answer = await client.call({ method: 'GET', path: '/notices', fields })
  return (answer as { items: unknown[] }).items.length
}

/** Signs in, and settles what the session owes. Throws `CommandFailure` where that needs more than is given. */
export async function login(
  name: string,
  { passwordFile, newPasswordFile }: LoginOptions,
  { config, log }: LoginParts,
) {
  const secrets = askedOnce(askedSecrets(passwordFile))
  const client = apiClient(config, secrets)
  await keepSession(config, await client.enter(name))
  const session = (await client.call({ method: 'GET', path: '/session' })) as Session
  if (session.owes.includes('password')) {
    const fields = { current: await secrets.password(), next: await chosenPassword(newPasswordFile) }
    await client.call({ method: 'PUT', path: '/session/password', fields })
    secrets.changed(fields.next)
    log('The password is changed.')
  }
  if (session.owes.includes('second-factor')) await addCodes(client, session, config, log)
  log(`Signed in to ${config.url} as ${name}.`)
  const unread = await unreadNotices(client)
  if (unread > 0) log(`${unread} unread ${unread === 1 ? 'notice' : 'notices'} of your account: ./weft notice list`)
}

import type { AccountRecord } from '../ports.ts'
import type { Attributes, FederatedAccounts, Granted, ProviderRecord, Vouched } from './ports.ts'
import { evaluate, givesNothing } from './rules.ts'

/** What a provider has proved of somebody. */
export interface Said {
  /** Its lasting name for them; undefined where it gave none that lasts. */
  readonly subject: string | undefined
  readonly attributes: Attributes
}

export type AdmissionReason = 'name-id' | 'attributes' | 'kept-out' | 'no-role' | 'account-disabled'

/** Whom a provider means, and what its rules make of them. */
export type Weighed =
  | { readonly ok: true; readonly vouched: Vouched; readonly granted: Granted }
  | { readonly ok: false; readonly reason: AdmissionReason; readonly detail: string }

export type Admitted =
  | { readonly ok: true; readonly account: AccountRecord; readonly granted: Granted }
  | { readonly ok: false; readonly reason: AdmissionReason; readonly detail: string; readonly account?: AccountRecord }

export interface Admission {
  /** Looks only: nothing is written. */
  weigh(provider: ProviderRecord, said: Said): Promise<Weighed>
  /** Makes or renews the account, unless its person is kept out: then what the provider gave before is gone. */
  admit(provider: ProviderRecord, said: Said): Promise<Admitted>
}

const CLAIMS = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims'
/** What attributes are called as a rule, the first that is there counts: plain, as OID, as Microsoft has it, as OIDC. */
const USUAL = {
  name: [
    ...['uid', 'urn:oid:0.9.2342.19200300.100.1.1', 'preferred_username', 'username', `${CLAIMS}/name`],
    ...['eduPersonPrincipalName', 'urn:oid:1.3.6.1.4.1.5923.1.1.1.6', 'sAMAccountName'],
  ],
  displayName: [
    ...['displayName', 'urn:oid:2.16.840.1.113730.3.1.241', 'http://schemas.microsoft.com/identity/claims/displayname'],
    ...['name', 'cn', 'urn:oid:2.5.4.3'],
  ],
  email: ['mail', 'email', 'urn:oid:0.9.2342.19200300.100.1.3', 'emailAddress', `${CLAIMS}/emailaddress`],
} as const

const NAME_MAX = 200
const SUBJECT_MAX = 1_024
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/gu

/** As it can be shown in a line. */
const shown = (text: string) => text.replace(CONTROL, ' ').trim().slice(0, NAME_MAX)

const valuesOf = (attributes: Attributes, name: string) =>
  Object.hasOwn(attributes, name) ? (attributes[name] ?? []) : []

function firstOf(attributes: Attributes, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = shown(valuesOf(attributes, name)[0] ?? '')
    if (value !== '') return value
  }
  return undefined
}

/** The account's lasting name at its provider: of the attribute that is configured, which must have one value. */
function subjectOf({ options }: ProviderRecord, { subject, attributes }: Said): string | Weighed {
  if (options.subjectAttribute === undefined)
    return (
      subject ?? {
        ...{ ok: false, reason: 'name-id' },
        detail:
          'The provider names people anew each time, and no attribute is configured that would name them for good.',
      }
    )
  const [value, second] = valuesOf(attributes, options.subjectAttribute)
  if (value !== undefined && second === undefined) return value
  const count = value === undefined ? 'no value' : 'several values'
  return {
    ...{ ok: false, reason: 'attributes' },
    detail: `The attribute ${options.subjectAttribute}, which names the account, has ${count}.`,
  }
}

function vouchedOf(provider: ProviderRecord, said: Said): Vouched | Weighed {
  const { attributes } = said
  const { nameAttribute, displayNameAttribute, emailAttribute } = provider.options
  const subject = subjectOf(provider, said)
  if (typeof subject !== 'string') return subject
  if (subject === '' || subject.length > SUBJECT_MAX || subject.search(CONTROL) >= 0)
    return { ok: false, reason: 'name-id', detail: 'What names the account is empty, too long, or no plain text.' }
  const pick = (configured: string | undefined, usual: readonly string[]) =>
    firstOf(attributes, configured === undefined ? usual : [configured])
  const email = pick(emailAttribute, USUAL.email) ?? null
  const name = pick(nameAttribute, USUAL.name) ?? email ?? shown(subject)
  const displayName = pick(displayNameAttribute, USUAL.displayName) ?? name
  return { provider, subject, name, displayName, email, attributes }
}

const because = (granted: Granted): string =>
  granted.ignored.length === 0
    ? 'No rule gives them a role.'
    : `No rule gives them a role. ${granted.ignored.map(({ rule, because }) => `Rule ${rule + 1}: ${because}`).join(' ')}`

/** Lets in those whom a provider vouches for and its rules give something. */
export function admission(accounts: FederatedAccounts): Admission {
  const weigh: Admission['weigh'] = async (provider, said) => {
    const vouched = vouchedOf(provider, said)
    if ('ok' in vouched) return vouched
    const ground = await accounts.ground(provider, provider.rules)
    return { ok: true, vouched, granted: evaluate(provider.rules, said.attributes, ground) }
  }
  return {
    weigh,
    async admit(provider, said) {
      const weighed = await weigh(provider, said)
      if (!weighed.ok) return weighed
      const { vouched, granted } = weighed
      if (granted.keptOut !== null) {
        await accounts.withdraw(provider.id, vouched.subject)
        return { ok: false, reason: 'kept-out', detail: `Rule ${granted.keptOut + 1} keeps ${vouched.name} out.` }
      }
      const account = await accounts.vouch(vouched, granted)
      if (!account) return { ok: false, reason: 'no-role', detail: because(granted) }
      if (account.state !== 'active')
        return { ok: false, reason: 'account-disabled', detail: `The account ${account.name} is disabled.`, account }
      // The rules give nothing, or a group without a role; people here may have given something all the same.
      if (account.bindings.length === 0)
        return {
          ...{ ok: false, reason: 'no-role', account },
          detail: givesNothing(granted) ? because(granted) : 'The groups that the rules give hold no role.',
        }
      return { ok: true, account, granted }
    },
  }
}

'use client'
import { useState } from 'react'
import type { KeySummary } from '#server/contract/keys.ts'
import { useKeys, useRetireKey, useRotateKey } from '../queries/keys.ts'
import { MayButton } from '../shell/may-button.tsx'
import { Refused } from '../ui/banner.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Status, type Tone } from '../ui/status.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import { Moment } from '../ui/time.tsx'
import { toast } from '../ui/toast.tsx'
import { Expiry, Fingerprint } from './certificate.tsx'
import { SettingsHead } from './settings-head.tsx'

type Purpose = KeySummary['purpose']
const PURPOSES: readonly {
  readonly id: Purpose
  readonly label: string
  readonly words: string
  readonly steps: boolean
}[] = [
  {
    id: 'saml-signing',
    label: 'Signing SAML messages',
    words: 'Providers and consoles check our requests with it; they read the next one from our metadata beforehand.',
    steps: true,
  },
  {
    id: 'saml-encryption',
    label: 'Reading encrypted assertions',
    words: 'Providers encrypt what they say of people for it. The one before is still read with.',
    steps: true,
  },
  { id: 'audit', label: 'Signing the audit log', words: 'Checkpoints carry its signature.', steps: false },
  {
    id: 'envelope',
    label: 'Sealing secrets',
    words: 'Secrets in the database are sealed with it; a new one seals what is written from then on.',
    steps: false,
  },
  {
    id: 'switch-ca',
    label: 'Certifying switches',
    words:
      'Certificates of switches are signed with it. Those that the one before signed are taken until it is retired.',
    steps: true,
  },
  {
    id: 'controller-ca',
    label: 'Certifying Weft to switches',
    words: 'Switches know us by it: each must trust the next one before that is put in use.',
    steps: true,
  },
]
const STATES: Readonly<Record<KeySummary['state'], { readonly tone: Tone; readonly label: string }>> = {
  next: { tone: 'moving', label: 'Next' },
  active: { tone: 'ok', label: 'In use' },
  retiring: { tone: 'warn', label: 'Still accepted' },
  retired: { tone: 'idle', label: 'Retired' },
}

const AMONG_PROVIDERS = {
  next: 'It is published in our metadata at once and used only when you say so. People stay signed in.',
  active:
    'From now on messages are signed with it. Do this once providers and consoles have read our metadata anew: those that have not, refuse us.',
}
const PREPARED: Partial<Record<Purpose, string>> = {
  'saml-signing': AMONG_PROVIDERS.next,
  'saml-encryption': AMONG_PROVIDERS.next,
  'switch-ca': 'Nothing is signed with it until you say so. Switches stay connected.',
  'controller-ca': 'Give its certificate to every switch, beside the present one. It is used only when you say so.',
}
const PROMOTED: Partial<Record<Purpose, string>> = {
  'saml-signing': AMONG_PROVIDERS.active,
  'saml-encryption': AMONG_PROVIDERS.active,
  'switch-ca':
    'From now on switches are enrolled under it. Enrol those that have a certificate anew before the key before it is retired.',
  'controller-ca':
    'From now on we show switches a certificate of it: those that do not trust it yet, do not come back.',
}

type Asked =
  | { readonly what: 'prepare' | 'promote'; readonly purpose: Purpose; readonly label: string; readonly steps: boolean }
  | { readonly what: 'retire'; readonly key: KeySummary }

function KeyRows({ keys, onRetire }: { keys: readonly KeySummary[]; onRetire: (key: KeySummary) => void }) {
  return (
    <TableWrap rows>
      <table className="t keytable">
        <thead>
          <tr>
            <th>State</th>
            <th>Key</th>
            <th>Fingerprint</th>
            <th>Made</th>
            <th>Ends</th>
            <th className="num">Uses</th>
            <th>
              <span className="sr">Tools</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id}>
              <td className="p-side">
                <Status tone={STATES[key.state].tone} calm={key.state === 'active' || key.state === 'retired'}>
                  {STATES[key.state].label}
                </Status>
              </td>
              <td className="p-title">
                {key.algorithm}
                {key.inToken ? <span className="more">in the token</span> : null}
              </td>
              <td className="p-under">
                {key.fingerprint ? (
                  <Fingerprint value={key.fingerprint} />
                ) : (
                  <span className="dim">none, it seals</span>
                )}
              </td>
              <td>
                <Moment time={key.createdAt} />
              </td>
              <td className="p-side-under">
                {key.retiredAt ? <Moment time={key.retiredAt} /> : key.notAfter ? <Expiry time={key.notAfter} /> : '—'}
              </td>
              <td className="num">{key.uses.toLocaleString('en')}</td>
              <td className="num p-tools">
                {key.state === 'next' || key.state === 'retiring' ? (
                  <MayButton right="key.write" small look="quiet" onPress={() => onRetire(key)}>
                    Retire
                  </MayButton>
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  )
}

/** The installation's keys by what they are for, and their two steps of rotation. */
export function KeysPage() {
  const keys = useKeys()
  const rotate = useRotateKey()
  const retire = useRetireKey()
  const [asked, setAsked] = useState<Asked>()
  const close = () => setAsked(undefined)
  const said = (text: string) => ({
    onSuccess: () => {
      close()
      toast({ tone: 'ok', text })
    },
  })
  return (
    <>
      <SettingsHead />
      {keys.isError ? <Refused error={keys.error} onRetry={() => void keys.refetch()} /> : null}
      <div className="body wide">
        {keys.isPending ? <Skeleton rows={6} /> : null}
        {keys.data
          ? PURPOSES.map(({ id, label, words, steps }) => {
              const own = keys.data.filter(({ purpose }) => purpose === id)
              const next = own.some(({ state }) => state === 'next')
              const what = steps && next ? 'promote' : 'prepare'
              const act = what === 'promote' ? 'Put the next in use' : steps ? 'Make the next' : 'Rotate'
              return (
                <section key={id} className="card" aria-labelledby={`h-${id}`}>
                  <header>
                    <h2 id={`h-${id}`}>{label}</h2>
                    <span className="push">
                      <MayButton
                        right="key.write"
                        small
                        onPress={() => setAsked({ what, purpose: id, label, steps })}
                        aria-label={`${act}: ${label}`}
                      >
                        {act}
                      </MayButton>
                    </span>
                  </header>
                  <p className="in hint">{words}</p>
                  {own.length > 0 ? (
                    <KeyRows keys={own} onRetire={(key) => setAsked({ what: 'retire', key })} />
                  ) : (
                    <p className="in dim">None yet: it is made when it is first needed.</p>
                  )}
                </section>
              )
            })
          : null}
      </div>
      {asked?.what === 'retire' ? (
        <Confirm
          title="Retire this key?"
          act="Retire it"
          isPending={retire.isPending}
          error={retire.error}
          onAct={() => retire.mutate(asked.key.id, said('The key is retired'))}
          onClose={close}
        >
          <p>What depends on it is accepted no longer. It cannot be brought back.</p>
        </Confirm>
      ) : null}
      {asked && asked.what !== 'retire' ? (
        <Confirm
          title={asked.what === 'promote' ? 'Put the next key in use?' : `A new key for ${asked.label.toLowerCase()}?`}
          act={asked.what === 'promote' ? 'Put it in use' : 'Make it'}
          keep="Cancel"
          isPending={rotate.isPending}
          error={rotate.error}
          onAct={() =>
            rotate.mutate(
              { purpose: asked.purpose, step: asked.what },
              said(asked.what === 'promote' ? 'The next key is in use' : 'A new key is made'),
            )
          }
          onClose={close}
        >
          <p>
            {asked.what === 'promote'
              ? PROMOTED[asked.purpose]
              : asked.steps
                ? PREPARED[asked.purpose]
                : 'It is used from now on; the one before still counts for what it was used for.'}
          </p>
        </Confirm>
      ) : null}
    </>
  )
}

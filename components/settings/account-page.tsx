'use client'
import { useTheme } from 'next-themes'
import { Fragment } from 'react'
import { RIGHTS } from '#server/contract/rights.ts'
import { RIGHT_AREAS, RIGHT_WORDS } from '../shell/rights.ts'
import { roleWords, useSession } from '../shell/session.tsx'
import { THEMES } from '../shell/user-menu.tsx'
import { Banner } from '../ui/banner.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Moment, useInBrowser } from '../ui/time.tsx'
import { toast } from '../ui/toast.tsx'
import { listed } from '../ui/words.ts'
import { bindingPlace, conditionWords } from './bindings.tsx'
import { Passkeys } from './passkeys.tsx'
import { PasswordForm } from './password-form.tsx'
import { SettingsHead } from './settings-head.tsx'
import { Totp } from './totp.tsx'
import './settings.css'

function Password() {
  return (
    <section className="card" aria-labelledby="h-password">
      <header>
        <h2 id="h-password">Password</h2>
      </header>
      <PasswordForm
        className="in stack"
        current="Current password"
        onDone={() => toast({ tone: 'ok', text: 'Your password is changed' })}
      />
    </section>
  )
}

/** What a local account proves itself with; who comes through a provider has all of it there. */
function Credentials() {
  const { account } = useSession()
  if (account.providerName !== null)
    return (
      <Banner tone="idle" icon="badge" title={`You sign in through ${account.providerName}`}>
        Password, codes and passkeys are kept there.
      </Banner>
    )
  return (
    <>
      <Passkeys />
      <Totp />
      <Password />
    </>
  )
}

/** Who one is, what one may do, how it looks. */
export function AccountPage() {
  const { account, rights, idle, place, product, expiresAt } = useSession()
  const { theme, setTheme } = useTheme()
  const inBrowser = useInBrowser()
  return (
    <>
      <SettingsHead />
      <div className="body set">
        <section className="card" aria-labelledby="h-who">
          <header>
            <h2 id="h-who">{account.displayName}</h2>
            <span className="push tag">{roleWords(account.role)}</span>
          </header>
          <div className="in">
            <dl className="facts">
              <dt>Name</dt>
              <dd>{account.name}</dd>
              <dt>Signed in until</dt>
              <dd>
                <Moment time={expiresAt} long />
              </dd>
              <dt>Works at</dt>
              <dd>{place.tenantName ?? place.siteName ?? 'the whole installation'}</dd>
              <dt>Installation</dt>
              <dd>
                {product.name} {product.version}
                {product.instance ? `, ${product.instance}` : ''}
                {product.demo ? ', with the demo lab' : ''}
              </dd>
            </dl>
          </div>
        </section>
        <section className="card" aria-labelledby="h-rights">
          <header>
            <h2 id="h-rights">What you may do</h2>
            <span className="dim">
              {rights.length} of {RIGHTS.length} rights
            </span>
          </header>
          <dl className="in facts">
            {RIGHT_AREAS.map(({ label, rights: inside }) => {
              const held = inside.filter((right) => rights.includes(right))
              return (
                <Fragment key={label}>
                  <dt>{label}</dt>
                  <dd>
                    {held.length === 0 ? <span className="dim">nothing</span> : null}
                    {held.length === inside.length ? 'everything' : listed(held.map((right) => RIGHT_WORDS[right]))}
                  </dd>
                </Fragment>
              )
            })}
          </dl>
          {idle.length > 0 ? (
            <div className="in">
              <Banner tone="idle" icon="info" title="Some of your roles do not count in what you do now">
                {idle
                  .map((one) => `${roleWords(one.role)}, ${bindingPlace(one)}: counts ${conditionWords(one)}`)
                  .join('; ')}
                .
              </Banner>
            </div>
          ) : null}
        </section>
        <section className="card" aria-labelledby="h-theme">
          <header>
            <h2 id="h-theme">Theme</h2>
          </header>
          <div className="in">
            {inBrowser ? (
              <Segmented
                label="Theme"
                options={THEMES}
                value={(theme ?? 'system') as (typeof THEMES)[number]['id']}
                onValue={setTheme}
              />
            ) : null}
          </div>
        </section>
        <Credentials />
      </div>
    </>
  )
}

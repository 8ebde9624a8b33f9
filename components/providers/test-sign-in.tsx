'use client'
import { useState } from 'react'
import type { IdentityProvider } from '#server/contract/providers.ts'
import { useBeginTest, useTestResult } from '../queries/providers.ts'
import { MayButton } from '../shell/may-button.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Icon } from '../ui/icon.tsx'
import { Status } from '../ui/status.tsx'
import { TrialOutcome } from './trial.tsx'

/** A whole sign-in that ends in no session: each check with its words, in the order in which it was made. */
export function TestSignIn({ provider }: { provider: IdentityProvider }) {
  const begin = useBeginTest()
  const [test, setTest] = useState<string>()
  const result = useTestResult(provider.id, test)
  const start = () => {
    // Opened at once, while the browser still knows that a person asked for it; it goes on when the address is there.
    const tab = window.open('about:blank', '_blank')
    // The provider must not reach back to this page.
    if (tab) tab.opener = null
    begin.mutate(provider.id, {
      onSuccess: ({ test: name, url }) => {
        setTest(name)
        if (tab) tab.location.href = url
      },
      onError: () => tab?.close(),
    })
  }
  const { state, steps = [], reason, trial } = result.data ?? {}
  return (
    <section className="card" aria-labelledby="h-test">
      <header>
        <h2 id="h-test">Test sign-in</h2>
        {state === 'passed' ? <Status tone="ok">Passed</Status> : null}
        {state === 'refused' ? <Status tone="bad">Refused</Status> : null}
        <span className="push">
          <MayButton right="provider.write" small icon="open" isDisabled={begin.isPending} onPress={start}>
            {test ? 'Test again' : 'Begin'}
          </MayButton>
        </span>
      </header>
      <div className="in stack wide">
        <ErrorBanner error={begin.error ?? result.error} />
        {test ? null : (
          <p className="mid">
            Signs in at {provider.displayName} in a new tab, and shows here what was checked of its answer. It opens no
            session and changes no account, so it can be tried before anybody depends on it.
          </p>
        )}
        {test && (state === undefined || state === 'waiting') ? (
          <p className="row mid" role="status">
            <Icon name="spin" small className="spin" />
            Waiting for the answer in the other tab
          </p>
        ) : null}
        {steps.length > 0 ? (
          <ol className="checks">
            {steps.map((step, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a check may be made of two parts, with the same words
              <li key={index} className={step.passed ? 'ok' : 'bad'}>
                <Icon name={step.passed ? 'ok' : 'bad'} small />
                <span>
                  <code className="mono">{step.check}</code>
                  <span className="sr">{step.passed ? ' passed: ' : ' failed: '}</span>
                  <span className="mid">{step.words}</span>
                </span>
              </li>
            ))}
          </ol>
        ) : null}
        {state === 'refused' && reason ? (
          <p className="mid">
            A real sign-in would be refused, with the reason <code className="mono">{reason}</code> in the audit log.
          </p>
        ) : null}
        {trial ? <TrialOutcome trial={trial} /> : null}
      </div>
    </section>
  )
}

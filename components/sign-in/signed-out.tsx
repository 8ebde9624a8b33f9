import { ButtonLink } from '../ui/button.tsx'
import { Status } from '../ui/status.tsx'
import { Frame } from './frame.tsx'

interface Props {
  /** Providers and consoles that have ended their session, too. */
  readonly ended: readonly string[]
  /** Those that have not, or did not answer in time. */
  readonly left: readonly string[]
}

/** After signing out: where one is out, and where one still may be signed in. */
export function SignedOut({ ended, left }: Props) {
  return (
    <Frame>
      <div className="lead">
        <h1>You are signed out</h1>
        <p className="mid">
          {left.length > 0
            ? 'Your session here has ended. Not everywhere else, though.'
            : 'Your session here has ended. Drafts and changes are kept.'}
        </p>
      </div>
      {ended.length + left.length > 0 ? (
        <ul className="ends">
          {ended.map((name) => (
            <li key={`ended ${name}`}>
              <Status tone="ok" calm>
                Signed out
              </Status>
              <span>{name}</span>
            </li>
          ))}
          {left.map((name) => (
            <li key={`left ${name}`}>
              <Status tone="warn">Maybe still signed in</Status>
              <span>{name}</span>
            </li>
          ))}
        </ul>
      ) : null}
      {left.length > 0 ? (
        <p className="hint">
          What did not answer keeps its own session until it ends there. Sign out there, or close all windows of this
          browser.
        </p>
      ) : null}
      <ButtonLink look="primary" href="/sign-in">
        Sign in again
      </ButtonLink>
    </Frame>
  )
}

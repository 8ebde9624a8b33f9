'use client'
import { type FormEvent, useRef } from 'react'
import type { Arrival as AtTheDoor } from '#server/contract/federation.ts'
import { Banner } from '../ui/banner.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Frame } from './frame.tsx'
import { placeWords } from './words.ts'

/** It was answered already, or nobody answered in time. */
function Gone() {
  return (
    <>
      <div className="lead">
        <h1>Nobody waits to sign in</h1>
        <p className="mid">It took too long, it was answered already, or it began in another browser.</p>
      </div>
      <ButtonLink look="primary" href="/sign-in">
        Sign in
      </ButtonLink>
    </>
  )
}

function Present({ present }: Pick<AtTheDoor, 'present'>) {
  if (!present) return null
  if (present.same) return <p className="hint">You are signed in here already. That session goes on as a new one.</p>
  return (
    <Banner tone="warn" title={`${present.name} is signed in here`}>
      If you continue, that session ends. What was drafted in it is kept.
    </Banner>
  )
}

/** Asks somebody whose sign-in began somewhere else whether it was them: another site can send a browser here unasked. */
export function Arrival({ id, arrival }: { id: string; arrival: AtTheDoor | null }) {
  const sent = useRef(false)
  // Pressed twice, the second answer would find nobody there any more.
  const once = (event: FormEvent) => {
    if (sent.current) event.preventDefault()
    sent.current = true
  }
  if (!arrival)
    return (
      <Frame>
        <Gone />
      </Frame>
    )
  const { provider, name, displayName, present, returnTo } = arrival
  return (
    <Frame>
      <div className="lead">
        <h1>
          {displayName} of {provider} wants to sign in to Weft
        </h1>
        <p className="mid">
          As <b>{name}</b>. It began there or on another site, not on a page of Weft: continue only if it was you who
          began it.
        </p>
      </div>
      <Present present={present} />
      <form method="post" action="/sign-in/arrival" className="signform" onSubmit={once}>
        <input type="hidden" name="id" value={id} />
        <Button type="submit" name="answer" value="continue" look="primary">
          Continue
        </Button>
        <Button type="submit" name="answer" value="not-me">
          Not me
        </Button>
      </form>
      {returnTo === '/' ? null : (
        <p className="hint">
          You go on to <b>{placeWords(returnTo)}</b> afterwards.
        </p>
      )}
    </Frame>
  )
}

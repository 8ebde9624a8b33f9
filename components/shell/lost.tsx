'use client'
import type { ReactNode } from 'react'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Mark } from '../ui/icon.tsx'
import './shell.css'

/** A page for when there is no page: what happened, and the way on. */
export function Lost({ title, children, retry }: { title: string; children: ReactNode; retry?: boolean }) {
  return (
    <main className="lost">
      <div className="card">
        <div className="brand">
          <Mark />
        </div>
        <h1>{title}</h1>
        <p className="mid">{children}</p>
        <div className="row">
          {retry ? (
            <Button look="primary" icon="refresh" onPress={() => window.location.reload()}>
              Try again
            </Button>
          ) : null}
          <ButtonLink href="/" look={retry ? 'quiet' : 'primary'}>
            Go to the overview
          </ButtonLink>
        </div>
      </div>
    </main>
  )
}

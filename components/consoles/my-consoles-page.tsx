'use client'
import { useMyConsoles } from '../queries/consoles.ts'
import { SettingsHead } from '../settings/settings-head.tsx'
import { useMay } from '../shell/session.tsx'
import { Refused } from '../ui/banner.tsx'
import { ButtonLink } from '../ui/button.tsx'
import { Empty } from '../ui/empty.tsx'
import { Icon } from '../ui/icon.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Status } from '../ui/status.tsx'
import { Ago } from '../ui/time.tsx'
import './consoles.css'

/** The consoles that one may open: each signs one in through Weft. */
export function MyConsolesPage() {
  const consoles = useMyConsoles()
  const mayWrite = useMay('console.write')
  const items = consoles.data?.items
  return (
    <>
      <SettingsHead />
      {consoles.isError ? <Refused error={consoles.error} onRetry={() => void consoles.refetch()} /> : null}
      <div className="body">
        {consoles.isPending ? <Skeleton rows={3} /> : null}
        {items?.length === 0 ? (
          <section className="card">
            <Empty
              icon="open"
              title="No consoles to open yet"
              action={mayWrite ? <ButtonLink href="/settings/consoles">Register one</ButtonLink> : undefined}
            >
              A console of a VNF that is registered here opens without another password: Weft signs you in to it.
            </Empty>
          </section>
        ) : null}
        <ul className="myconsoles">
          {items?.map((one) => (
            <li key={one.id}>
              <a className="card" href={one.url} target="_blank" rel="noopener">
                <span className="row">
                  <b className="clip">{one.displayName}</b>
                  <Icon name="open" small className="push" />
                </span>
                <span className="dim small clip">{one.url.replace(/^https?:\/\//, '')}</span>
                {one.signedInAt ? (
                  <Status tone="ok" calm small>
                    signed in <Ago time={one.signedInAt} />
                  </Status>
                ) : (
                  <span className="dim small">not signed in</span>
                )}
              </a>
            </li>
          ))}
        </ul>
      </div>
    </>
  )
}

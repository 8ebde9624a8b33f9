'use client'
import { useState } from 'react'
import type { Datapath } from '#server/contract/datapaths.ts'
import { useDrift, useRepair } from '../queries/datapaths.ts'
import { useMay } from '../shell/session.tsx'
import { Banner, ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Ago } from '../ui/time.tsx'
import { toast } from '../ui/toast.tsx'
import { listed, plural } from '../ui/words.ts'

const MARKS = { foreign: '−', missing: '+', differs: '~' } as const
const CLASSES = { foreign: 'r', missing: 'a', differs: 'm' } as const
const SAID = {
  foreign: 'nobody asked for it: a repair removes it',
  missing: 'wanted: a repair adds it',
  differs: 'held otherwise than wanted',
} as const

/** What differs from what is wanted, and the way out. Nothing is repaired silently. */
export function Drift({ datapath }: { datapath: Datapath }) {
  const mayRepair = useMay('datapath.repair')
  const drift = useDrift(datapath.id, datapath.drift > 0)
  const repair = useRepair()
  const [open, setOpen] = useState(false)
  if (datapath.drift === 0) return null
  const items = drift.data?.items ?? []
  const many = (kind: 'foreign' | 'missing' | 'differs') => items.filter((item) => item.kind === kind).length
  const words = listed([
    ...(many('foreign') > 0 ? [`${plural(many('foreign'), 'entry', 'entries')} that nobody asked for`] : []),
    ...(many('missing') > 0 ? [`${plural(many('missing'), 'entry', 'entries')} missing`] : []),
    ...(many('differs') > 0 ? [`${plural(many('differs'), 'entry', 'entries')} that differ`] : []),
  ])
  return (
    <>
      <Banner
        tone="warn"
        icon="drift"
        title={`${datapath.name} differs from what is wanted in ${plural(datapath.drift, 'entry', 'entries')}`}
        actions={
          <>
            {mayRepair ? (
              <Button
                small
                isDisabled={repair.isPending}
                onPress={() =>
                  repair.mutate(datapath.id, {
                    onSuccess: (task) => toast({ tone: 'moving', icon: 'refresh', text: task.title }),
                  })
                }
              >
                Repair
              </Button>
            ) : null}
            <Button small look="quiet" aria-expanded={open} onPress={() => setOpen(!open)}>
              {open ? 'Hide' : 'Show'}
            </Button>
            {mayRepair ? null : <span className="small dim">An operator can repair it.</span>}
          </>
        }
      >
        <p>
          {words || 'Someone, or something else than Weft, changed it'}
          {drift.data?.since ? (
            <>
              , seen <Ago time={drift.data.since} />
            </>
          ) : null}
          . Changes that touch these entries wait until it is repaired.
        </p>
      </Banner>
      <ErrorBanner error={repair.error ?? drift.error} />
      {open ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <section className="card driftcard" aria-label="What differs" tabIndex={0}>
          <div className="diff mono">
            <div>
              {items.map((item) => (
                <div className={`dl ${CLASSES[item.kind]}`} key={`${item.kind}${item.wanted}${item.held}`}>
                  <span className="g" role="img" aria-label={SAID[item.kind]}>
                    {MARKS[item.kind]}
                  </span>
                  <code>{item.kind === 'differs' ? `${item.held}\n${item.wanted}` : (item.wanted ?? item.held)}</code>
                  <span className="why">{SAID[item.kind]}</span>
                </div>
              ))}
            </div>
          </div>
        </section>
      ) : null}
    </>
  )
}

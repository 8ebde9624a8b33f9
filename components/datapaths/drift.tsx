'use client'
import { useState } from 'react'
import type { z } from 'zod'
import type { Datapath, DriftLine as Line } from '#server/contract/datapaths.ts'
import { useDrift, useRepair } from '../queries/datapaths.ts'
import { useMay } from '../shell/session.tsx'
import { Banner, ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Ago } from '../ui/time.tsx'
import { toast } from '../ui/toast.tsx'
import { listed, plural } from '../ui/words.ts'

const LINES = {
  foreign: { mark: '−', look: 'r', said: 'nobody asked for it: a repair removes it' },
  missing: { mark: '+', look: 'a', said: 'wanted: a repair adds it' },
  held: { mark: '~', look: 'o', said: 'held now' },
  wanted: { mark: '~', look: 'm', said: 'wanted: a repair writes it' },
} as const

/** One line for each entry; two for one that is held otherwise than wanted. */
function linesOf({ kind, wanted, held }: z.infer<typeof Line>): readonly { kind: keyof typeof LINES; text: string }[] {
  if (kind !== 'differs') return [{ kind, text: wanted ?? held ?? '' }]
  return [
    { kind: 'held', text: held ?? '' },
    { kind: 'wanted', text: wanted ?? '' },
  ]
}

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
    ...(many('differs') > 0 ? [`${plural(many('differs'), 'entry that differs', 'entries that differ')}`] : []),
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
              {items.flatMap(linesOf).map(({ kind, text }) => (
                <div className={`dl ${LINES[kind].look}`} key={`${kind} ${text}`}>
                  <span className="g" role="img" aria-label={LINES[kind].said}>
                    {LINES[kind].mark}
                  </span>
                  <code>{text}</code>
                  <span className="why">{LINES[kind].said}</span>
                </div>
              ))}
            </div>
          </div>
        </section>
      ) : null}
    </>
  )
}

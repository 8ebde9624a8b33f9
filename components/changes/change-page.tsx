'use client'
import { useEffect, useRef } from 'react'
import { useChange, usePreview } from '../queries/changes.ts'
import { initials, useMay } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { PageHead } from '../ui/page-head.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Ago } from '../ui/time.tsx'
import { ConfirmBar } from './confirm-bar.tsx'
import { Differences } from './differences.tsx'
import { Edits } from './edits.tsx'
import { Findings } from './findings.tsx'
import { FlowLine } from './flow-line.tsx'
import { ChangeStatus } from './state.tsx'
import { Aftermath, Waves } from './waves.tsx'
import './changes.css'

/** A draft that was not previewed since its last edit is previewed when it is opened. */
function useFreshPreview(id: string) {
  const change = useChange(id)
  const preview = usePreview()
  const asked = useRef('')
  const { mutate } = preview
  const data = change.data
  useEffect(() => {
    if (data?.state !== 'draft' || data.previewedAt !== null || data.edits.length === 0) return
    const state = `${data.id} ${JSON.stringify(data.edits)}`
    if (asked.current === state) return
    asked.current = state
    mutate(data.id)
  }, [data, mutate])
  return { change, preview }
}

/** One change: its edits, what each datapath will hold, what the checks say, and its way through the five steps. */
export function ChangePage({ id }: { id: string }) {
  const { change, preview } = useFreshPreview(id)
  const mayWrite = useMay('network.write')
  const data = change.data
  if (!data)
    return (
      <>
        <PageHead title={id} crumbs={[{ href: '/changes', label: 'Changes' }]} />
        <div className="body">
          {change.isError ? <ErrorBanner error={change.error} onRetry={() => void change.refetch()} /> : <Skeleton />}
        </div>
      </>
    )
  return (
    <>
      <PageHead
        title={data.title || 'Untitled change'}
        crumbs={[{ href: '/changes', label: 'Changes' }, { label: data.name }]}
      >
        <span role="status">
          <ChangeStatus state={data.state} pill />
        </span>
        <span className="row mid small nowrap not-s">
          <span className="avatar sm" aria-hidden="true">
            {initials(data.actor)}
          </span>
          <span>
            {data.actor}, <Ago time={data.createdAt} />
          </span>
        </span>
        <FlowLine change={data} />
      </PageHead>
      <div className="body chg">
        <div className="colx">
          <ErrorBanner error={preview.error} onRetry={() => preview.mutate(data.id)} />
          <Edits change={data} mayWrite={mayWrite} />
          <Differences change={data} compiling={preview.isPending} />
          {data.state === 'draft' && data.previewedAt ? (
            <div className="row small dim">
              <span>
                Previewed <Ago time={data.previewedAt} />
              </span>
              <Button
                look="quiet"
                small
                icon="refresh"
                isDisabled={preview.isPending}
                onPress={() => preview.mutate(data.id)}
              >
                Preview again
              </Button>
            </div>
          ) : null}
        </div>
        <div className="colx">
          <Findings change={data} compiling={preview.isPending} />
          <Waves change={data} />
          <Aftermath change={data} />
        </div>
      </div>
      <ConfirmBar key={data.id} change={data} compiling={preview.isPending} />
    </>
  )
}

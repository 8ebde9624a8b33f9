import type { Datapath } from '#server/contract/datapaths.ts'
import { Status } from '../ui/status.tsx'
import { plural } from '../ui/words.ts'

/** Whether a datapath holds what is wanted, in words with figures. */
export function DatapathState({
  datapath,
  pill,
}: {
  datapath: Pick<Datapath, 'state' | 'held' | 'wanted' | 'drift'>
  pill?: boolean
}) {
  const shape = pill ? { pill: true } : {}
  const figures = `${datapath.held.toLocaleString('en')} of ${datapath.wanted.toLocaleString('en')}`
  if (datapath.state === 'away')
    return (
      <Status tone="bad" {...shape}>
        Away
      </Status>
    )
  if (datapath.state === 'drifted')
    return (
      <Status tone="warn" icon="drift" {...shape}>
        {plural(datapath.drift, 'entry differs', 'entries differ')}
      </Status>
    )
  if (datapath.state === 'moving')
    return (
      <Status tone="moving" {...shape}>
        Changing
      </Status>
    )
  return (
    <Status tone="ok" calm={!pill} {...shape}>
      Holds {figures}
    </Status>
  )
}

export const DATAPATH_WORDS: Readonly<Record<Datapath['state'], string>> = {
  held: 'Holds',
  away: 'Away',
  drifted: 'Differs',
  moving: 'Changing',
}

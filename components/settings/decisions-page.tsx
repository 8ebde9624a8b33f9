'use client'
import { parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useDecisions } from '../queries/decisions.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Empty } from '../ui/empty.tsx'
import { Icon } from '../ui/icon.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Status } from '../ui/status.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import { Moment } from '../ui/time.tsx'
import { SettingsHead } from './settings-head.tsx'

const KEYS = {
  who: parseAsString.withDefault(''),
  show: parseAsStringLiteral(['all', 'writes', 'reads', 'refused']).withDefault('all'),
}
const SHOW = [
  { id: 'all', label: 'All' },
  { id: 'writes', label: 'Writes' },
  { id: 'reads', label: 'Reads' },
  { id: 'refused', label: 'Refused' },
] as const

const FILTERS = { all: [], writes: ['kind:eq:write'], reads: ['kind:eq:read'], refused: ['allowed:eq:false'] } as const

/** Ids say nothing to people; they stand in the hint. */
const withoutIds = (words: string): string => words.replace(/ \((binding|token) [0-9a-f-]{36}\)/g, '')

/** Why calls were let in or refused, newest first. */
export function DecisionsPage() {
  const [view, setView] = useQueryStates(KEYS, { history: 'replace', clearOnDefault: true })
  const decisions = useDecisions([...(view.who ? [`account:contains:${view.who}`] : []), ...FILTERS[view.show]])
  const rows = decisions.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      <SettingsHead>
        <Segmented label="Which" options={SHOW} value={view.show} onValue={(show) => void setView({ show })} />
      </SettingsHead>
      <section className="card nw twoline" aria-label="Decisions">
        <div className="bar">
          <label className="find">
            <Icon name="search" small />
            <span className="sr">Who</span>
            <input
              type="search"
              placeholder="Who…"
              value={view.who}
              onChange={(event) => void setView({ who: event.target.value || null })}
            />
          </label>
          <span className="dim small push not-s">Which binding or token gave the right, or what was missing</span>
        </div>
        <ErrorBanner error={decisions.error} onRetry={() => void decisions.refetch()} />
        <TableWrap>
          <table className="t">
            <thead>
              <tr>
                <th>When</th>
                <th>Who</th>
                <th>From</th>
                <th>Call</th>
                <th>Right</th>
                <th>Decision</th>
                <th className="num">Times</th>
                <th>Because</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((one) => (
                <tr key={one.id}>
                  <td className="mid p-side-under">
                    <Moment time={one.at} long />
                    {one.count > 1 ? (
                      <span className="dim small lasting">
                        to <Moment time={one.lastAt} />
                      </span>
                    ) : null}
                  </td>
                  <td className="p-title">{one.account}</td>
                  <td className="mono">{one.address}</td>
                  <td className="mono p-under">
                    {one.procedure}
                    {one.count > 1 ? <span className="only-s"> × {one.count.toLocaleString('en')}</span> : null}
                  </td>
                  <td className="mono">{one.right}</td>
                  <td className="p-side">
                    <Status tone={one.allowed ? 'ok' : 'warn'} calm={one.allowed}>
                      {one.allowed ? 'Let in' : 'Refused'}
                    </Status>
                  </td>
                  <td className="num">{one.count.toLocaleString('en')}</td>
                  <td className="mid p-tools because" title={one.because}>
                    {withoutIds(one.because)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {decisions.isPending ? <Skeleton rows={8} /> : null}
          {decisions.isSuccess && rows.length === 0 ? (
            <Empty icon="info" title="Nothing was decided yet">
              Each call leaves a line here: who asked, which right it needed, and what gave it. Reads that are alike
              share one for an hour.
            </Empty>
          ) : null}
        </TableWrap>
        <div className="tablefoot">
          <span className="small">{rows.length.toLocaleString('en')} shown, newest first</span>
          <span className="push">
            <Button
              small
              isDisabled={!decisions.hasNextPage || decisions.isFetchingNextPage}
              onPress={() => void decisions.fetchNextPage()}
            >
              {decisions.isFetchingNextPage ? 'Reading' : 'Older'}
            </Button>
          </span>
        </div>
      </section>
    </>
  )
}

import type { ReactNode } from 'react'
import type { Change, DatapathDifference } from '#server/contract/changes.ts'
import { plural } from '../ui/words.ts'
import { marked } from './marked.ts'

export type Notation = 'ofctl' | 'words'
type Line = DatapathDifference['lines'][number]

/** The table stands above its lines already. */
const bare = (line: string | null) => (line ?? '').replace(/^table=\d+,\s*/, '')

const Row = ({
  kind,
  gutter,
  said,
  children,
  why,
}: {
  kind: string
  gutter: string
  said: string
  children: ReactNode
  why?: string
}) => (
  <div className={`dl ${kind}`}>
    <span className="g" role="img" aria-label={said}>
      {gutter}
    </span>
    <code>{children}</code>
    {why ? <span className="why">{why}</span> : null}
  </div>
)

const Marked = ({ line, other }: { line: string; other: string }) => (
  <>
    {marked(line, other).map((part, index) =>
      // biome-ignore lint/suspicious/noArrayIndexKey: at most three stretches in their order
      part.changed ? <mark key={index}>{part.text}</mark> : <span key={index}>{part.text}</span>,
    )}
  </>
)

/** The same in words; entries that are there for the same reason are told together. */
function Words({ lines }: { lines: readonly Line[] }) {
  const told = [...Map.groupBy(lines, (line) => `${line.mark}${line.because}`)]
  return told.map(([key, same]) => {
    const [first] = same
    if (!first) return null
    const kind = first.mark === '+' ? 'a' : first.mark === '-' ? 'r' : 'm'
    const said = first.mark === '+' ? 'added' : first.mark === '-' ? 'removed' : 'modified'
    return (
      <Row key={key} kind={`${kind} words`} gutter={first.mark === '-' ? '−' : first.mark} said={said}>
        {first.because}:{' '}
        {plural(same.length, first.table === null ? 'group' : 'entry', first.table === null ? 'groups' : 'entries')}{' '}
        {said}
      </Row>
    )
  })
}

function Lines({ line }: { line: Line }) {
  if (line.mark === '+')
    return (
      <Row kind="a" gutter="+" said="added" why={line.because}>
        {bare(line.after)}
      </Row>
    )
  if (line.mark === '-')
    return (
      <Row kind="r" gutter="−" said="removed" why={line.because}>
        {bare(line.before)}
      </Row>
    )
  return (
    <>
      <Row kind="o" gutter="~" said="modified, held">
        <Marked line={bare(line.before)} other={bare(line.after)} />
      </Row>
      <Row kind="m" gutter="~" said="modified, wanted" why={line.because}>
        <Marked line={bare(line.after)} other={bare(line.before)} />
      </Row>
    </>
  )
}

const keyOf = (line: Line) => `${line.mark}${line.wave}/${line.table}/${line.before}/${line.after}`

/** The differences of one datapath: wave by wave, table by table, in the notation of ovs-ofctl or in words. */
export function DiffLines({
  difference,
  waves,
  notation,
}: {
  difference: DatapathDifference
  waves: Change['waves']
  notation: Notation
}) {
  const byWave = [...Map.groupBy(difference.lines, (line) => line.wave)].sort(([a], [b]) => a - b)
  const tableOf = (table: number | null) => difference.tables.find((known) => known.table === table)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="diff mono" tabIndex={0} aria-label={`Differences of ${difference.datapath}`}>
      <div>
        {byWave.map(([wave, lines]) => (
          <div key={wave}>
            <div className="wv">
              Wave {wave + 1}
              {waves[wave] ? <span>{waves[wave]?.words}</span> : null}
            </div>
            {[...Map.groupBy(lines, (line) => line.table)].map(([table, group]) => (
              <div key={table ?? 'none'}>
                <div className="tbl">
                  <code>{table === null ? 'groups' : `table=${table}`}</code>{' '}
                  {tableOf(table) ? `${tableOf(table)?.name}, ${tableOf(table)?.words}` : ''}
                </div>
                {notation === 'words' ? (
                  <Words lines={group} />
                ) : (
                  group.map((line) => <Lines key={keyOf(line)} line={line} />)
                )}
              </div>
            ))}
          </div>
        ))}
        {difference.lines.length === 0 ? <div className="tbl">It holds all of it already.</div> : null}
        {difference.truncated > 0 ? (
          <div className="tbl">{plural(difference.truncated, 'more line')} not shown</div>
        ) : null}
      </div>
    </section>
  )
}

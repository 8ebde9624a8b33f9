'use client'
import Link from 'next/link'
import { useWhy } from '../queries/datapaths.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Moment } from '../ui/time.tsx'
import { toast } from '../ui/toast.tsx'
import { span } from '../ui/words.ts'

const KINDS: Readonly<Record<string, string>> = { network: 'Network', subnet: 'Subnet', port: 'Port' }

/** Why an entry is there: the intent that asks for it, the change that put it there, the person behind that. */
export function Why({ datapathId, entryKey }: { datapathId: string; entryKey: string }) {
  const why = useWhy(datapathId, entryKey)
  if (why.isError) return <ErrorBanner error={why.error} onRetry={() => void why.refetch()} />
  if (!why.data) return <Skeleton rows={2} />
  const { intents, change, person, text, entry } = why.data
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => toast({ tone: 'ok', text: 'Copied' }),
      () => toast({ tone: 'warn', text: 'The browser does not let this page copy' }),
    )
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: an answer is no fieldset */}
      <div className="why" role="group" aria-label="Why is this here?">
        <div>
          <Icon name="network" />
          <div>
            <h3>Intent</h3>
            {intents.length === 0 ? (
              <p>
                {entry.state === 'foreign'
                  ? 'None: Weft did not write this entry.'
                  : 'The pipeline itself needs it, whatever networks there are.'}
              </p>
            ) : null}
            {intents.map((intent) => (
              <p key={`${intent.kind}/${intent.id}`}>
                {intent.kind === 'network' ? (
                  <Link href={`/networks/${intent.id}`}>
                    {KINDS[intent.kind] ?? intent.kind} {intent.name}
                  </Link>
                ) : (
                  <b>
                    {KINDS[intent.kind] ?? intent.kind} {intent.name}
                  </b>
                )}{' '}
                {intent.words}
              </p>
            ))}
          </div>
        </div>
        <span className="ar">
          <Icon name="arrow" />
        </span>
        <div>
          <Icon name="change" />
          <div>
            <h3>Change</h3>
            {change ? (
              <p>
                <Link href={`/changes/${change.name}`}>{change.name}</Link> {change.title}.
                {change.committedAt ? (
                  <>
                    {' '}
                    Committed <Moment time={change.committedAt} long />
                    {change.settled_ms === null ? '' : `, observed ${span(change.settled_ms)} later`}.
                  </>
                ) : null}
              </p>
            ) : (
              <p>No change put it there.</p>
            )}
          </div>
        </div>
        <span className="ar">
          <Icon name="arrow" />
        </span>
        <div>
          <Icon name="person" />
          <div>
            <h3>Person</h3>
            {person ? (
              <p>
                {person.name}, {person.role}. {person.reason ? `“${person.reason}”` : ''}
              </p>
            ) : (
              <p>Nobody that Weft knows of.</p>
            )}
          </div>
        </div>
        <div className="act">
          <Button small onPress={copy}>
            Copy entry
          </Button>
        </div>
      </div>
      <div className="rawline mono">{text}</div>
    </>
  )
}

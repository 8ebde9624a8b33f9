/** A bar out of a limit; what a draft adds is hatched. */
export function Meter({
  label,
  used,
  added = 0,
  limit,
  fill,
}: {
  label: string
  used: number
  added?: number
  limit: number
  fill?: string
}) {
  const share = (n: number) => (limit > 0 ? Math.min(100, (n / limit) * 100) : 0)
  return (
    // biome-ignore lint/a11y/useSemanticElements: a meter element cannot show two parts
    <div
      className="meter"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={limit}
      aria-valuenow={Math.min(used + added, limit)}
      aria-valuetext={`${used} used${added > 0 ? `, ${added} added` : ''}, of ${limit}`}
    >
      <i style={{ width: `${share(used)}%`, ['--f' as string]: fill ?? 'var(--ink-3)' }} />
      {added > 0 ? <i className="add" style={{ width: `max(4px, ${share(added)}%)` }} /> : null}
    </div>
  )
}

/** A quota line: words, figures, bar. */
export function Quota({
  label,
  used,
  added = 0,
  limit,
}: {
  label: string
  used: number
  added?: number
  limit: number
}) {
  return (
    <div className="quota">
      <div className="row">
        <span>{label}</span>
        <span className="push num">
          {used.toLocaleString('en')} {added > 0 ? <b className="plus">+{added}</b> : null}{' '}
          <span className="dim">of {limit.toLocaleString('en')}</span>
        </span>
      </div>
      <Meter label={label} used={used} added={added} limit={limit} />
    </div>
  )
}

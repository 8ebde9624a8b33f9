/** A tenant's thread with its name beside it. */
export function Thread({ thread, children }: { thread: number; children: string }) {
  return (
    <span className="row thread">
      <i className={`th t${thread}`} aria-hidden="true" />
      <span className="clip">{children}</span>
    </span>
  )
}

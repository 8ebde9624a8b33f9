/** A match as ovs-ofctl writes it, its field names quieter than their values. */
export function Match({ text }: { text: string }) {
  const parts = text.split(',')
  return (
    <code>
      {parts.map((part, index) => {
        const at = part.indexOf('=')
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text in their order
          <span key={index}>
            {at < 0 ? (
              part
            ) : (
              <>
                <i>{part.slice(0, at)}</i>
                {part.slice(at)}
              </>
            )}
            {index < parts.length - 1 ? ',\u200b' : ''}
          </span>
        )
      })}
    </code>
  )
}

'use client'

/** Two or three ways to look at the same thing. */
export function Segmented<T extends string>({
  label,
  options,
  value,
  onValue,
  className,
}: {
  label: string
  options: readonly { readonly id: T; readonly label: string }[]
  value: T
  onValue: (value: T) => void
  className?: string
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of toggle buttons is no fieldset
    <div className={`seg${className ? ` ${className}` : ''}`} role="group" aria-label={label}>
      {options.map((option) => (
        <button key={option.id} type="button" aria-pressed={option.id === value} onClick={() => onValue(option.id)}>
          {option.label}
        </button>
      ))}
    </div>
  )
}

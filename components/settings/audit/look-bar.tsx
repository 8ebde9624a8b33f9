'use client'
import { Select } from '../../ui/choice.tsx'
import { Icon, type IconName } from '../../ui/icon.tsx'
import { type Look, OUTCOMES, SPANS } from './look.ts'

function Find({
  label,
  icon,
  value,
  onValue,
  wide,
}: {
  label: string
  icon: IconName
  value: string
  onValue: (value: string | null) => void
  wide?: boolean
}) {
  return (
    <label className={`find${wide ? ' wide' : ''}`}>
      <Icon name={icon} small />
      <span className="sr">{label}</span>
      <input
        type="search"
        placeholder={`${label}…`}
        value={value}
        maxLength={200}
        onChange={(event) => onValue(event.target.value || null)}
      />
    </label>
  )
}

function Edge({ label, value, onValue }: { label: string; value: string; onValue: (value: string | null) => void }) {
  return (
    <label className="edge">
      <span className="small dim">{label}</span>
      <input
        type="datetime-local"
        className="input"
        value={value}
        onChange={(event) => onValue(event.target.value || null)}
      />
    </label>
  )
}

/** What to look for: text anywhere, who, what, how it ended, and when. */
export function LookBar({ view, setView }: Pick<Look, 'view' | 'setView'>) {
  return (
    <>
      <div className="bar">
        <Find wide label="Search" icon="search" value={view.q} onValue={(q) => void setView({ q })} />
        <Find label="Who" icon="person" value={view.actor} onValue={(actor) => void setView({ actor })} />
        <Find label="What" icon="pen" value={view.action} onValue={(action) => void setView({ action })} />
        <span className="outcome">
          <Select
            label="Outcome"
            hideLabel
            value={view.outcome}
            onValue={(id) => void setView({ outcome: OUTCOMES.find((one) => one.id === id)?.id ?? null })}
            options={OUTCOMES}
          />
        </span>
        <span className="outcome">
          <Select
            label="Time"
            hideLabel
            value={view.when}
            onValue={(id) => void setView({ when: SPANS.find((one) => one.id === id)?.id ?? null })}
            options={SPANS}
          />
        </span>
      </div>
      {view.when === 'between' ? (
        <div className="bar between">
          <Edge label="From" value={view.from} onValue={(from) => void setView({ from })} />
          <Edge label="to" value={view.to} onValue={(to) => void setView({ to })} />
        </div>
      ) : null}
    </>
  )
}

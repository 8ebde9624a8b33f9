'use client'
import { useState } from 'react'
import { Dialog, DialogTrigger, Popover } from 'react-aria-components'
import { Button } from '../button.tsx'
import { Checkbox } from '../checkbox.tsx'
import { Select } from '../choice.tsx'
import { TextField } from '../field.tsx'
import { Icon } from '../icon.tsx'
import type { Column } from './columns.ts'
import { type Filter, OPERATOR_WORDS, type Operator, operatorsOf, printFilter } from './filter.ts'
import type { TableControls } from './state.ts'

interface Props<Row> {
  readonly noun: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly controls: TableControls
}

function AddFilter<Row>({
  columns,
  rows,
  onAdd,
}: Pick<Props<Row>, 'columns' | 'rows'> & { onAdd: (filter: Filter) => void }) {
  const usable = columns.filter((column) => column.filter)
  const [field, setField] = useState(usable[0]?.id ?? '')
  const column = usable.find((candidate) => candidate.id === field) ?? usable[0]
  const kind = column?.filter ?? 'text'
  const [op, setOp] = useState<Operator>(operatorsOf(kind)[0] ?? 'eq')
  const [value, setValue] = useState('')
  const choices =
    kind === 'choice' && column ? [...new Set(rows.map((row) => String(column.value(row) ?? '')))].sort() : []
  const ready = value !== '' && (kind !== 'number' || Number.isFinite(Number(value)))
  const pickField = (next: string) => {
    const nextKind = usable.find((candidate) => candidate.id === next)?.filter ?? 'text'
    setField(next)
    setOp(operatorsOf(nextKind)[0] ?? 'eq')
    setValue('')
  }
  return (
    <form
      className="addfilter"
      onSubmit={(event) => {
        event.preventDefault()
        if (ready) onAdd({ field, op, value })
      }}
    >
      <Select
        label="Field"
        value={field}
        onValue={(next) => next && pickField(next)}
        options={usable.map(({ id, header }) => ({ id, label: header }))}
      />
      <Select
        label="Condition"
        value={op}
        onValue={(next) => next && setOp(next as Operator)}
        options={operatorsOf(kind).map((id) => ({ id, label: OPERATOR_WORDS[id] }))}
      />
      {kind === 'choice' ? (
        <Select
          label="Value"
          value={value || null}
          onValue={(next) => setValue(next ?? '')}
          options={choices.map((id) => ({ id, label: id }))}
        />
      ) : (
        <TextField label="Value" value={value} onValue={setValue} inputMode={kind === 'number' ? 'numeric' : 'text'} />
      )}
      <Button type="submit" look="primary" isDisabled={!ready}>
        Add filter
      </Button>
    </form>
  )
}

/** Search, filter chips, and the choice of columns. */
export function FilterBar<Row>({ noun, columns, rows, controls }: Props<Row>) {
  const { view, setSearch, setFilters, setHidden } = controls
  const [adding, setAdding] = useState(false)
  const header = (id: string) => columns.find((column) => column.id === id)?.header ?? id
  const pickable = columns.filter((column) => !column.isTools)
  const shown = pickable.length - view.hidden.length
  return (
    <div className="bar">
      <label className="find">
        <Icon name="search" small />
        <span className="sr">Filter {noun}</span>
        <input
          type="search"
          value={view.search}
          placeholder="Filter…"
          onChange={(event) => setSearch(event.target.value)}
        />
      </label>
      {view.filters.map((filter) => (
        <span className="chip" key={printFilter(filter)}>
          <span>{header(filter.field)}</span>
          <span className="op">{OPERATOR_WORDS[filter.op]}</span>
          <span>{filter.value}</span>
          <button
            type="button"
            aria-label={`Remove filter ${header(filter.field)} ${OPERATOR_WORDS[filter.op]} ${filter.value}`}
            onClick={() => setFilters(view.filters.filter((other) => other !== filter))}
          >
            <Icon name="close" small />
          </button>
        </span>
      ))}
      <DialogTrigger isOpen={adding} onOpenChange={setAdding}>
        <Button look="quiet" small icon="plus">
          Filter
        </Button>
        <Popover className="float pop" placement="bottom start" offset={6}>
          <Dialog className="dialog" aria-label="Add a filter">
            <AddFilter
              columns={columns}
              rows={rows}
              onAdd={(filter) => {
                setFilters([...view.filters, filter])
                setAdding(false)
              }}
            />
          </Dialog>
        </Popover>
      </DialogTrigger>
      {view.filters.length > 0 || view.search ? (
        <Button look="quiet" small onPress={controls.clear}>
          Clear
        </Button>
      ) : null}
      <DialogTrigger>
        <Button look="quiet" small icon="columns" className="push not-s">
          Columns{' '}
          <span className="dim">
            {shown} of {pickable.length}
          </span>
        </Button>
        <Popover className="float pop" placement="bottom end" offset={6}>
          <Dialog className="dialog" aria-label="Columns">
            <div className="colpick">
              {pickable.map((column, index) => (
                <Checkbox
                  key={column.id}
                  isSelected={!view.hidden.includes(column.id)}
                  isDisabled={index === 0}
                  onChange={(on) =>
                    setHidden(on ? view.hidden.filter((id) => id !== column.id) : [...view.hidden, column.id])
                  }
                >
                  {column.header}
                </Checkbox>
              ))}
            </div>
          </Dialog>
        </Popover>
      </DialogTrigger>
    </div>
  )
}

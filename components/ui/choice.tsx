'use client'
import type { ReactNode } from 'react'
import {
  ComboBox as AriaComboBox,
  Select as AriaSelect,
  Button,
  Group,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  SelectValue,
} from 'react-aria-components'
import { Faults, type FieldFault } from './field.tsx'
import { Icon } from './icon.tsx'

export interface Option {
  readonly id: string
  readonly label: string
  readonly lead?: ReactNode
  readonly note?: string
}

interface Props {
  readonly label: string
  readonly hideLabel?: boolean
  readonly options: readonly Option[]
  readonly value: string | null
  readonly onValue: (value: string | null) => void
  readonly faults?: readonly FieldFault[]
  readonly placeholder?: string
  readonly empty?: ReactNode
  readonly isDisabled?: boolean
}

const Items = ({ options, empty }: Pick<Props, 'options' | 'empty'>) => (
  <ListBox
    className="menu options"
    items={options}
    renderEmptyState={() => <span className="dim">{empty ?? 'Nothing fits'}</span>}
  >
    {(option) => (
      <ListBoxItem id={option.id} textValue={option.label} className="option">
        {option.lead}
        <span className="clip">{option.label}</span>
        {option.note ? <span className="dim push small">{option.note}</span> : null}
      </ListBoxItem>
    )}
  </ListBox>
)

/** One of many, found by typing. */
export function ComboBox({
  label,
  hideLabel,
  options,
  value,
  onValue,
  faults = [],
  placeholder,
  empty,
  isDisabled,
}: Props) {
  const chosen = options.find((option) => option.id === value)
  return (
    <AriaComboBox
      className="field"
      defaultItems={options}
      selectedKey={value}
      onSelectionChange={(key) => onValue(key === null ? null : String(key))}
      isInvalid={faults.length > 0}
      menuTrigger="focus"
      allowsEmptyCollection
      isDisabled={isDisabled ?? false}
      {...(hideLabel ? { 'aria-label': label } : {})}
    >
      {hideLabel ? null : <Label>{label}</Label>}
      <Group className={`input${faults.length > 0 ? ' err' : ''}`}>
        {chosen?.lead}
        <Input placeholder={placeholder ?? ''} />
        <Button className="drop">
          <Icon name="down" small />
        </Button>
      </Group>
      <Faults faults={faults} />
      <Popover className="float pop" offset={4}>
        <Items options={options} empty={empty} />
      </Popover>
    </AriaComboBox>
  )
}

/** One of a few. */
export function Select({ label, hideLabel, options, value, onValue, placeholder, faults = [], isDisabled }: Props) {
  return (
    <AriaSelect
      className="field"
      selectedKey={value}
      onSelectionChange={(key) => onValue(key === null ? null : String(key))}
      isDisabled={isDisabled ?? false}
      placeholder={placeholder ?? 'Choose'}
      {...(hideLabel ? { 'aria-label': label } : {})}
    >
      {hideLabel ? null : <Label>{label}</Label>}
      <Button className={`input select${faults.length > 0 ? ' err' : ''}`}>
        <SelectValue className="clip grow" />
        <Icon name="down" small />
      </Button>
      <Faults faults={faults} />
      <Popover className="float pop" offset={4}>
        <Items options={options} />
      </Popover>
    </AriaSelect>
  )
}

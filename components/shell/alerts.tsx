'use client'
import Link from 'next/link'
import { useState } from 'react'
import { Dialog, DialogTrigger, Popover } from 'react-aria-components'
import { useOverview } from '../queries/overview.ts'
import { IconButton } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { useMay } from './session.tsx'

/** What needs a person, from anywhere. */
export function Alerts() {
  const overview = useOverview(useMay('overview.read'))
  const [open, setOpen] = useState(false)
  const attention = overview.data?.attention ?? []
  return (
    <DialogTrigger isOpen={open} onOpenChange={setOpen}>
      <IconButton
        icon="bell"
        name={attention.length > 0 ? `Alerts, ${attention.length} open` : 'Alerts, none open'}
        count={attention.length}
      />
      <Popover className="float pop alerts" placement="bottom end" offset={6}>
        <Dialog className="dialog" aria-label="Alerts">
          {attention.length === 0 ? <p className="empty">Nothing needs attention.</p> : null}
          {attention.map((item) => (
            <Link
              key={`${item.title}${item.href}`}
              href={item.href}
              className={`alertrow ${item.severity}`}
              onClick={() => setOpen(false)}
            >
              <Icon name={item.severity} />
              <span>
                <b>{item.title}</b>
                <span className="mid">{item.words}</span>
              </span>
            </Link>
          ))}
        </Dialog>
      </Popover>
    </DialogTrigger>
  )
}

'use client'
import Link from 'next/link'
import {
  UNSTABLE_Toast as AriaToast,
  Text,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components'
import { IconButton } from './button.tsx'
import { Icon, type IconName } from './icon.tsx'
import type { Tone } from './status.tsx'

interface Message {
  readonly tone: Tone
  readonly text: string
  readonly icon?: IconName
  readonly action?: { readonly label: string; readonly href: string }
}

const STAY_MS = 6000
const queue = new ToastQueue<Message>({ maxVisibleToasts: 4 })

/** Says something at the bottom right for 6 s; what went wrong stays until it is closed. */
export const toast = (message: Message) => queue.add(message, message.tone === 'bad' ? {} : { timeout: STAY_MS })

export function Toasts() {
  return (
    <ToastRegion queue={queue} className="toasts" aria-label="Messages">
      {({ toast: { content, ...rest } }) => (
        <AriaToast toast={{ content, ...rest }} className={`toast float ${content.tone}`}>
          <Icon name={content.icon ?? content.tone} />
          <ToastContent className="grow">
            <Text slot="title">{content.text}</Text>
          </ToastContent>
          {content.action ? (
            <Link className="btn quiet sm" href={content.action.href} onClick={() => queue.close(rest.key)}>
              {content.action.label}
            </Link>
          ) : null}
          <IconButton slot="close" name="Close message" icon="close" />
        </AriaToast>
      )}
    </ToastRegion>
  )
}

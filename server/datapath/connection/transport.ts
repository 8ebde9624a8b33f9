import { isLoopback } from '#server/variables.ts'
import type { Endpoint } from './endpoint.ts'

/** Whether switches that come by TCP must speak TLS, or may. */
export type TlsSetting = 'required' | 'accepted'

/** A connection under TLS, whose other end has proved who it is. */
export interface TlsTransport {
  readonly type: 'tls'
  readonly protocol: string
  readonly cipher: string
  /** Of the inventory. */
  readonly certificateId: string
  /** When the certificate ends; milliseconds since 1970. */
  readonly notAfter_ms: number
  /** Datapaths that the other end may be: 16 hexadecimal digits each. */
  readonly datapathIds: readonly string[]
}

/** How a peer is connected. */
export type Transport = { readonly type: 'unix' } | { readonly type: 'tcp' } | TlsTransport

/** What is spoken at an address: a UNIX socket is within the host; TCP off loopback is under TLS unless somebody said otherwise. */
export function spokenAt(endpoint: Endpoint, setting: TlsSetting | undefined): 'plain' | 'either' | 'tls' {
  if (endpoint.type === 'unix') return 'plain'
  if (endpoint.type === 'ssl') return 'tls'
  return (setting ?? (isLoopback(endpoint.host) ? 'accepted' : 'required')) === 'required' ? 'tls' : 'either'
}

/** Why a peer may not be one of these datapaths; undefined when it may, or has shown nothing to tell by. */
export function notTheirs(transport: Transport, datapathIds: Iterable<string>): string | undefined {
  if (transport.type !== 'tls') return undefined
  const other = [...datapathIds].find((id) => !transport.datapathIds.includes(id))
  return other === undefined ? undefined : `its certificate is not for datapath ${other}`
}

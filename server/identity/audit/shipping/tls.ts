import { readFile } from 'node:fs/promises'
import { isIP, type Socket } from 'node:net'
import { connect, getCACertificates, type TLSSocket } from 'node:tls'
import { TLS } from '#server/kernel/tls.ts'
import { ANSWER_MS } from './framed.ts'

/** A server that is reached by TLS, and the files by which the two sides know each other. */
export interface TlsAddress {
  /** What its certificate must be for. */
  readonly host: string
  readonly port: number
  /** Authorities that may vouch for it; without one those that the system knows. */
  readonly ca: string | undefined
  /** What we show it. */
  readonly certificate: string | undefined
  readonly key: string | undefined
}

/**
 * How long a server is given to refuse our certificate: in TLS 1.3, and with some, the handshake ends before that. rsyslog
 * over OpenSSL also loses what comes with the end of the handshake.
 */
const REFUSAL_MS = 1000
const CLOSED = 'CLOSED_AFTER_HANDSHAKE'

const UNKNOWN_AUTHORITY = /^(UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF)|(DEPTH_ZERO_)?SELF_SIGNED_CERT|CERT_UNTRUSTED)/
const OUT_OF_DATE = /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/
const OURS_REFUSED = /ALERT_(BAD_|UNSUPPORTED_)?CERTIFICATE|ALERT_(UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/

function wordsOf({ code = '', message }: NodeJS.ErrnoException, { host, certificate }: TlsAddress): string {
  if (UNKNOWN_AUTHORITY.test(code))
    return 'The certificate of the server is of an authority that is not known here; WEFT_AUDIT_SYSLOG_CA names one'
  if (OUT_OF_DATE.test(code)) return 'The certificate of the server, or of its authority, is out of date'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `The certificate of the server is not for ${host}`
  if (!OURS_REFUSED.test(code) && code !== CLOSED) return message
  return certificate === undefined
    ? 'The server asks for a certificate; WEFT_AUDIT_SYSLOG_CERTIFICATE and WEFT_AUDIT_SYSLOG_KEY name one'
    : `The server refuses the certificate in ${certificate}`
}

function inWords(error: NodeJS.ErrnoException, address: TlsAddress): Error {
  const words = wordsOf(error, address)
  // What follows is advice for whoever starts Node.
  const [why = ''] = error.message.split(';')
  return new Error(words === error.message ? words : `${words} (${why.trim()})`, { cause: error })
}

/** Files are read anew for each connection, so that a certificate may be renewed. */
async function filesOf({ ca, certificate, key }: TlsAddress) {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFile(file))
  const [authority, cert, secret] = await Promise.all([read(ca), read(certificate), read(key)])
  return { ca: authority ?? getCACertificates('system'), cert, key: secret }
}

function agreed(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (code?: string) => reject(Object.assign(new Error('It closed the connection.'), { code }))
    socket.once('timeout', () => socket.destroy(new Error('It does not answer.')))
    socket.once('error', reject).once('close', () => closed())
    socket.once('secureConnect', () => {
      const settled = setTimeout(resolve, REFUSAL_MS)
      socket.setTimeout(0).resume()
      socket.once('close', () => clearTimeout(settled)).prependOnceListener('close', () => closed(CLOSED))
    })
  })
}

/**
 * Connects by TLS to a server whose certificate is verified, its name too (RFC 5425, section 5.2). Rejects with which
 * certificate was refused, and why.
 */
export async function openTls(address: TlsAddress): Promise<Socket> {
  const { host, port } = address
  try {
    const named = isIP(host) === 0 ? { servername: host } : {}
    const socket = connect({ host, port, timeout: ANSWER_MS, ...named, ...TLS, ...(await filesOf(address)) })
    await agreed(socket)
    return socket
  } catch (error) {
    throw inWords(error as NodeJS.ErrnoException, address)
  }
}

import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type SecureContextOptions, type TLSSocket } from 'node:tls'
import type { Clock } from '#server/kernel/clock.ts'
import { err, ok, type Result } from '#server/kernel/result.ts'
import { TLS } from '#server/kernel/tls.ts'
import type { Outbound } from '#server/outbound/guard.ts'
import { socketReason } from './channel.ts'
import { dial, dialTls } from './dial.ts'
import { type Endpoint, formatEndpoint } from './endpoint.ts'
import { awaitFirstByte } from './first-byte.ts'
import { spokenAt, type TlsSetting, type TlsTransport, type Transport } from './transport.ts'
import type { Trust } from './trust.ts'

/** What a TLS client sends first: a handshake record (RFC 8446, 5.1). */
const HANDSHAKE = 0x16
/** Where both are spoken, whoever says nothing for so long is not about to speak TLS: a database waits to be asked. */
const SILENCE_MS = 500

/** A stream of the protocol's own bytes, and how it came. */
export interface Entrance {
  readonly socket: Socket
  readonly transport: Transport
}

type Refused = (datapathIds: readonly string[], reason: string) => void

/** Where connections come in and go out. Nothing of a protocol is read before the other end is known. */
export interface Gate {
  /** Calls `done` once, in time: with the stream, or with the reason why the peer was closed. */
  admit(socket: Socket, at: Endpoint, deadline_ms: number, done: (outcome: Result<Entrance, string>) => void): void
  /** Opens a connection. Rejects with the reason. */
  dial(endpoint: Endpoint, deadline_ms: number, outbound: Outbound): Promise<Entrance>
  /** What is spoken at an address. */
  spokenAt(endpoint: Endpoint): ReturnType<typeof spokenAt>
  /** Calls `listener` when somebody is refused whose certificate is known, with the datapaths that it is for, until ended. */
  subscribe(listener: Refused): () => void
}

/** The gate, for whoever decides about certificates. */
export interface SwitchGate extends Gate {
  /** Closes every connection that the certificate of this fingerprint opened, or is about to. */
  closeCertificate(fingerprint: string, reason: string): void
  /** Closes all connections under TLS: those that may come back do so at once. */
  closeAll(reason: string): void
  /** Closes connections whose certificate has ended. */
  sweep(): void
}

export interface GateOptions {
  readonly trust: Trust
  readonly setting: TlsSetting | undefined
  readonly clock: Clock
}

const plainTransport = ({ type }: Endpoint): Transport => ({ type: type === 'unix' ? 'unix' : 'tcp' })

/** Lets everybody in as they are. */
export const OPEN_GATE: Gate = {
  admit: (socket, at, _, done) => done(ok({ socket, transport: plainTransport(at) })),
  dial: async (endpoint, deadline_ms, outbound) => ({
    ...{ socket: await dial(endpoint, deadline_ms, outbound), transport: plainTransport(endpoint) },
  }),
  spokenAt: () => 'plain',
  subscribe: () => () => undefined,
}

const fingerprintOf = (certificate: X509Certificate): string =>
  certificate.fingerprint256.replaceAll(':', '').toLowerCase()

/** OpenSSL's word for what is wrong with a chain, for people. */
const CHAIN_WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
}

const chainWords = ({ authorizationError: code }: TLSSocket): string =>
  CHAIN_WORDS[String(code)] ?? `its certificate is not of an authority that is trusted here (${code})`

/** Opens the gate for switches. */
export function createGate({ trust, setting, clock }: GateOptions): SwitchGate {
  const listeners = new Set<Refused>()
  /** Every connection under TLS, from before its certificate is looked up: one that is revoked meanwhile is not missed. */
  const live = new Map<TLSSocket, { readonly fingerprint: string; readonly notAfter_ms: number }>()

  const options = (): SecureContextOptions => {
    const { key, certificate: cert, authorities } = trust.material
    return { key, cert, ca: [...authorities], ...TLS, honorCipherOrder: true }
  }

  /** Whether the other end is who it must be. Rejects with the reason. */
  const examine = async (socket: TLSSocket): Promise<TlsTransport> => {
    const certificate = socket.getPeerX509Certificate()
    if (!certificate) throw new Error('it shows no certificate')
    const [fingerprint, notAfter_ms] = [fingerprintOf(certificate), certificate.validToDate.getTime()]
    live.set(socket, { fingerprint, notAfter_ms })
    socket.once('close', () => live.delete(socket))
    const known = await trust.find(fingerprint)
    const refuse = (reason: string): never => {
      if (known) for (const listener of listeners) listener(known.datapathIds, reason)
      throw new Error(reason)
    }
    if (!socket.authorized) return refuse(chainWords(socket))
    if (!known) return refuse('its certificate is not entered here')
    if (known.revokedAt_ms !== null) return refuse('its certificate was revoked')
    // A session that is resumed is not verified again.
    if (notAfter_ms <= clock.now_ms()) return refuse(CHAIN_WORDS.CERT_HAS_EXPIRED as string)
    if (socket.destroyed) return refuse('closed by the peer')
    const { id: certificateId, datapathIds } = known
    const [protocol, cipher] = [socket.getProtocol() ?? 'TLS', socket.getCipher().name]
    return { type: 'tls', protocol, cipher, certificateId, datapathIds, notAfter_ms }
  }

  /** Shakes hands as the server; each peer has a server of its own, which tells whose handshake failed. */
  const receive = (socket: Socket, handshakeTimeout: number): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      // Who comes without a certificate is told so by name, and gets not a byte of the protocol.
      const asked = { requestCert: true, rejectUnauthorized: false, handshakeTimeout }
      createServer({ ...options(), ...asked })
        .on('secureConnection', resolve)
        .on('tlsClientError', (error) => reject(new Error(`the TLS handshake failed: ${socketReason(error)}`)))
        .emit('connection', socket)
    })

  const admit: Gate['admit'] = (socket, at, deadline_ms, done) => {
    const spoken = spokenAt(at, setting)
    if (spoken === 'plain') return OPEN_GATE.admit(socket, at, deadline_ms, done)
    let finished = false
    const finish = (outcome: Result<Entrance, string>) => {
      if (finished) return
      finished = true
      clearTimeout(late)
      if (!outcome.ok) socket.destroy()
      done(outcome)
    }
    const late = setTimeout(() => finish(err(`no TLS handshake within ${deadline_ms} ms`)), deadline_ms)
    const shake = async () => {
      const secured = await receive(socket, deadline_ms)
      secured.on('error', () => undefined)
      const transport = await examine(secured).catch((error: Error) => {
        secured.destroy()
        throw error
      })
      if (finished) secured.destroy()
      else finish(ok({ socket: secured, transport }))
    }
    const refused = (error: Error) => finish(err(error.message))
    awaitFirstByte(socket, spoken === 'either' ? SILENCE_MS : deadline_ms)
      .then((first) => {
        if (first === HANDSHAKE) return shake()
        if (spoken === 'tls') throw new Error('it does not speak TLS, which is required here')
        finish(ok({ socket, transport: plainTransport(at) }))
      })
      .catch(refused)
  }

  const dialSecured = async (...[endpoint, deadline_ms, outbound]: Parameters<Gate['dial']>): Promise<Entrance> => {
    const socket = await dialTls(endpoint, deadline_ms, outbound, options())
    const transport = await examine(socket).catch((error: Error) => {
      socket.destroy()
      throw error
    })
    return { socket, transport }
  }

  const close = (socket: TLSSocket, reason: string) => void socket.destroy(new Error(reason))
  return {
    admit,
    spokenAt: (endpoint) => spokenAt(endpoint, setting),
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async dial(endpoint, deadline_ms, outbound) {
      if (endpoint.type === 'ssl') return dialSecured(endpoint, deadline_ms, outbound)
      if (spokenAt(endpoint, setting) === 'tls')
        throw new Error(`${formatEndpoint(endpoint)} is not under TLS, which is required here: declare ssl:`)
      return OPEN_GATE.dial(endpoint, deadline_ms, outbound)
    },
    closeCertificate(fingerprint, reason) {
      for (const [socket, shown] of live) if (shown.fingerprint === fingerprint) close(socket, reason)
    },
    closeAll(reason) {
      for (const socket of live.keys()) close(socket, reason)
    },
    sweep() {
      for (const [socket, { notAfter_ms }] of live)
        if (notAfter_ms <= clock.now_ms()) close(socket, CHAIN_WORDS.CERT_HAS_EXPIRED as string)
    },
  }
}

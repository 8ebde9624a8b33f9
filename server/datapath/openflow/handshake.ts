import type { Duplex } from 'node:stream'
import { helloOf, negotiate } from '#server/codec/openflow/hello.ts'
import type { Message, MessageOf } from '#server/codec/openflow/message.ts'
import { isVersion, VERSIONS, type Version } from '#server/codec/openflow/version.ts'
import { err, ok, type Result } from '#server/kernel/result.ts'
import { type Link, openLink } from './link.ts'

/** A switch that has said who it is. */
export interface Greeting {
  readonly link: Link
  readonly version: Version
  /** 16 hexadecimal digits. */
  readonly datapathId: string
  readonly features: MessageOf<'features_reply'>
}

const HELLO_XID = 1
const FEATURES_XID = 2
/** A switch says hello, its features, and perhaps an echo or a port's status. */
const MESSAGES_MAX = 64
const encoder = new TextEncoder()

/** A datapath id in the form in which it is written everywhere: 16 hexadecimal digits. */
const formatDatapathId = (id: bigint): string => id.toString(16).padStart(16, '0')

/**
 * Exchanges hello (OpenFlow 1.5.1, section 6.3.1) and asks for the features. Calls `done` once: with the switch, or with
 * the reason why the peer was closed. From a peer that is silent, or talks about anything else, nothing is kept.
 */
export function greet(
  socket: Duplex,
  peer: string,
  deadline_ms: number,
  done: (outcome: Result<Greeting, string>) => void,
): void {
  let version: Version | undefined
  let finished = false
  let messages = 0
  const finish = (outcome: Result<Greeting, string>) => {
    if (finished) return
    finished = true
    clearTimeout(timer)
    done(outcome)
  }
  const agree = (message: MessageOf<'hello'>) => {
    const agreed = negotiate(VERSIONS, message)
    if (agreed === undefined || !isVersion(agreed)) {
      const words = 'no common version: 1.3 to 1.5 are spoken here'
      const data = encoder.encode(words)
      link.send({
        type: 'error',
        version: message.version,
        xid: message.xid,
        error_type: 'hello_failed',
        code: 'incompatible',
        data,
      })
      // The words go out before the socket is closed.
      setImmediate(() => link.close(words))
      return
    }
    version = agreed
    link.agree(agreed)
    link.send({ type: 'features_request', version, xid: FEATURES_XID })
  }
  const introduced = (message: MessageOf<'features_reply'>, agreed: Version) => {
    if (message.auxiliary_id !== 0) throw new Error('auxiliary connections are not served')
    finish(ok({ link, version: agreed, datapathId: formatDatapathId(message.datapath_id), features: message }))
  }
  const link = openLink(socket, peer, {
    message(message: Message) {
      if (++messages > MESSAGES_MAX) throw new Error(`said ${MESSAGES_MAX} things before its features`)
      if (version === undefined) {
        if (message.type !== 'hello') throw new Error(`said ${message.type} before hello`)
        agree(message)
      } else if (message.type === 'features_reply') introduced(message, version)
      else if (message.type === 'echo_request') link.send({ ...message, type: 'echo_reply' })
      else if (message.type === 'error') throw new Error(`answered ${message.error_type}/${message.code} to hello`)
    },
    undecodable(error) {
      throw new Error(`sent what is not OpenFlow: ${error}`)
    },
    closed: (reason) => finish(err(reason)),
  })
  const timer = setTimeout(() => link.close(`no handshake within ${deadline_ms} ms`), deadline_ms)
  link.send({ type: 'hello', version: Math.max(...VERSIONS), xid: HELLO_XID, ...helloOf(VERSIONS) })
}

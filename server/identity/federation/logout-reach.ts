import { connect } from 'node:net'
import { type Outbound, targetOf } from '#server/outbound/guard.ts'
import { addressOf, askBounded, FetchRefused } from './fetch-metadata.ts'

/** How participants are reached by machine. */
export interface LogoutReach {
  /** Posts a SOAP envelope and answers the one that comes back. Throws `FetchRefused`; `AddressRefused` where none was sent. */
  post(url: string, body: string, allowPrivate: boolean): Promise<string>
  /**
   * Whether nobody listens where a browser would be sent. Only a refused connection says so: what this machine cannot
   * reach, a browser may.
   */
  isDown(url: string, allowPrivate: boolean): Promise<boolean>
}

const SOAP_HEADERS = {
  'content-type': 'text/xml; charset=utf-8',
  soapaction: '"http://www.oasis-open.org/committees/security"',
}
const ANSWER_BYTES_MAX = 512 * 1024
const PROBE_MS = 1_000

/** Ends with the work or, at the latest, after that time. */
async function within<T>(time_ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new FetchRefused(`It took longer than ${time_ms} ms.`)), time_ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const isRefused = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PROBE_MS })
    const end = (refused: boolean) => {
      socket.destroy()
      resolve(refused)
    }
    socket.once('connect', () => end(false))
    socket.once('timeout', () => end(false))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'))
  })

/** `time_ms`: for one participant. */
export function logoutReach(time_ms: number, outbound: Outbound): LogoutReach {
  return {
    post: (url, body, allowPrivate) => {
      const limits = { bytes: ANSWER_BYTES_MAX, time_ms, allowPrivate, outbound }
      return within(time_ms, askBounded(url, { method: 'POST', headers: SOAP_HEADERS, body }, limits))
    },
    async isDown(url, allowPrivate) {
      const visited = new URL(url)
      try {
        const { address } = await within(PROBE_MS, addressOf(visited, { allowPrivate, outbound }))
        return await isRefused(address, targetOf(visited).port)
      } catch (error) {
        if (error instanceof FetchRefused) return false
        throw error
      }
    },
  }
}

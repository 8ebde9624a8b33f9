import path from 'node:path'

/** One end of a stream connection: a UNIX socket, or a TCP port of one address, plain or under TLS. */
export type Endpoint =
  | { readonly type: 'unix'; readonly path: string }
  | { readonly type: 'tcp' | 'ssl'; readonly host: string; readonly port: number }

/** Longest path of a UNIX socket in bytes, without the terminating zero (unix(7)). */
const SOCKET_PATH_MAX = 107

/**
 * Reads `unix:/run/weft/s1/db.sock`, `tcp:127.0.0.1:6640`, `ssl:192.0.2.1:6640` or `tcp:[::1]:6640`. Throws with the form
 * that is expected.
 */
export function parseEndpoint(text: string): Endpoint {
  if (text.startsWith('unix:')) {
    const file = text.slice(5)
    if (!path.isAbsolute(file)) throw new TypeError(`${text}: an absolute path is expected after unix:`)
    if (Buffer.byteLength(file) > SOCKET_PATH_MAX)
      throw new TypeError(`${text}: a socket's path has at most ${SOCKET_PATH_MAX} bytes`)
    return { type: 'unix', path: file }
  }
  const parts = /^(tcp|ssl):(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text)
  const port = Number(parts?.[4])
  if (!parts || port > 65535) throw new TypeError(`${text}: unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT is expected`)
  return { type: parts[1] as 'tcp' | 'ssl', host: (parts[2] ?? parts[3]) as string, port }
}

/** The endpoint as text; equal endpoints have equal texts. */
export const formatEndpoint = (endpoint: Endpoint): string =>
  endpoint.type === 'unix'
    ? `unix:${endpoint.path}`
    : `${endpoint.type}:${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`

import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { type Openvswitch, run } from './openvswitch.ts'

/** Files of a switch's end of a TLS connection. */
export interface Files {
  readonly key: string
  readonly certificate: string
  readonly authority: string
}

/** A key, and a request for a certificate, as an operator makes them in the switch. */
export async function request(folder: string): Promise<{ key: string; csr: string }> {
  const key = path.join(folder, `${randomBytes(4).toString('hex')}.pem`)
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const csr = await run(['openssl', 'req', '-new', ...curve, '-keyout', key, '-subj', '/CN=switch'])
  return { key, csr }
}

/** Gives a switch its files, as its operator does. */
export const setSsl = (peer: Openvswitch, { key, certificate, authority }: Files) =>
  peer.vsctl('set-ssl', key, certificate, authority)

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'

export interface Issued {
  readonly certificate: string
  readonly key: string
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })

/** An authority made by `openssl`, with its files in a folder. */
export function certificateAuthority(folder: string, name: string) {
  const file = (suffix: string) => path.join(folder, `${name}-${suffix}`)
  const ca = file('ca.pem')
  openssl('req', '-x509', ...CURVE, '-days', '2', '-subj', `/CN=${name}`, '-keyout', file('ca.key'), '-out', ca)
  return {
    ca,
    /** A certificate for a name (`DNS:…`, `IP:…`), valid for some days from now; with less than none it has expired. */
    issue(subject: string, names: string, days = 1): Issued {
      const [certificate, key, request] = [`${subject}.pem`, `${subject}.key`, `${subject}.csr`].map(file) as [
        string,
        string,
        string,
      ]
      writeFileSync(file('extensions'), `subjectAltName=${names}\n`)
      openssl('req', '-new', ...CURVE, '-subj', `/CN=${subject}`, '-keyout', key, '-out', request)
      openssl(
        ...[
          'x509',
          '-req',
          '-in',
          request,
          '-CA',
          ca,
          '-CAkey',
          file('ca.key'),
          '-CAcreateserial',
          '-out',
          certificate,
        ],
        ...['-days', String(days), '-extfile', file('extensions')],
      )
      return { certificate, key }
    },
  }
}

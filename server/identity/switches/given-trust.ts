import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import { ConfigError } from '#server/config.ts'
import type { TlsMaterial } from '#server/datapath/connection/trust.ts'
import type { SwitchTrust } from './trust.ts'

/** Files of the operator, in PEM. */
export interface TrustFiles {
  readonly certificate: string
  readonly key: string
  /** Authorities that certify switches, and us. */
  readonly authorities: string
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

const read = async (variable: string, file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: Error) => {
    throw new ConfigError([`${variable}=${file}: ${error.message}`])
  })

/** Reads and checks the files. Throws `ConfigError`. */
async function load({ certificate, key, authorities }: TrustFiles): Promise<TlsMaterial> {
  const [own, privateKey, above] = await Promise.all([
    read('WEFT_SWITCH_TLS_CERTIFICATE', certificate),
    read('WEFT_SWITCH_TLS_KEY', key),
    read('WEFT_SWITCH_TLS_CA', authorities),
  ])
  const wrong = (variable: string, words: string) => new ConfigError([`${variable}: ${words}`])
  const all = above.match(CERTIFICATES) ?? []
  if (all.length === 0) throw wrong('WEFT_SWITCH_TLS_CA', `${authorities} holds no certificate in PEM`)
  let belongs: boolean
  try {
    for (const one of all) new X509Certificate(one)
    belongs = new X509Certificate(own).checkPrivateKey(createPrivateKey(privateKey))
  } catch (error) {
    throw wrong('WEFT_SWITCH_TLS_CERTIFICATE, _KEY or _CA', (error as Error).message)
  }
  if (!belongs) throw wrong('WEFT_SWITCH_TLS_KEY', 'it is not the key of WEFT_SWITCH_TLS_CERTIFICATE')
  return { key: privateKey, certificate: own, authorities: all }
}

/** Certificates and keys that the operator brought. They are read again from time to time, so that they can be renewed in place. */
export async function openGivenTrust(files: TrustFiles, log: Pick<Logger, 'warn'>): Promise<SwitchTrust> {
  let material = await load(files)
  return {
    given: true,
    get material() {
      return material
    },
    controllerAuthorities: async () => [...material.authorities],
    async refresh() {
      const before = material
      // What is being replaced may be there in part: what was read last counts meanwhile.
      material = await load(files).catch((error: Error) => {
        log.warn({ err: error }, 'certificates towards switches')
        return before
      })
      return before.authorities.some((one) => !material.authorities.includes(one))
    },
  }
}

import { X509Certificate } from 'node:crypto'
import type { Logger } from 'pino'
import { switchCertificateAttention, switchCertificateHandlers } from './api/switch-certificates.ts'
import type { Config } from './config.ts'
import { createGate } from './datapath/connection/gate.ts'
import type { Event } from './http/events.ts'
import { switchEnrolment } from './identity/switches/enrolment.ts'
import { openGivenTrust } from './identity/switches/given-trust.ts'
import { openOwnTrust } from './identity/switches/own-trust.ts'
import type { Database } from './inventory/database.ts'
import type { DatapathStore } from './inventory/facts.ts'
import { switchCertificateStore } from './inventory/switch-certificates.ts'
import { systemClock } from './kernel/clock.ts'
import type { KeyService } from './keys/ports.ts'

/** How often certificates are looked at: what ended is closed after so long. */
const TICK_MS = 30_000

export interface SwitchTlsParts {
  readonly config: Pick<Config, 'switchTls' | 'product' | 'instance'>
  readonly database: Database
  readonly datapaths: DatapathStore
  readonly keys: Pick<KeyService, 'signer' | 'verificationKeys'>
  readonly log: Logger
}

/** Joins what lets switches in: who certifies them, which certificates are entered, and the gate. */
export async function openSwitchTls({ config, database, datapaths, keys, log }: SwitchTlsParts) {
  const { files, setting } = config.switchTls
  const name = `${config.product.name} ${config.instance}`
  const trust = files ? await openGivenTrust(files, log) : await openOwnTrust({ keys, clock: systemClock, name, log })
  const store = switchCertificateStore(database)
  const gate = createGate({
    ...{ setting, clock: systemClock },
    trust: {
      get material() {
        return trust.material
      },
      find: store.find,
    },
  })
  const enrolment = switchEnrolment({ trust, store, gate, datapaths: datapaths.run })
  const tick = async () => {
    if (await trust.refresh()) gate.closeAll('an authority is trusted no longer')
    gate.sweep()
  }
  const timer = setInterval(
    () => tick().catch((error: Error) => log.warn({ err: error }, 'switch certificates')),
    TICK_MS,
  )
  const ownEnd = () => (trust.given ? new X509Certificate(trust.material.certificate).validToDate : undefined)
  const names = async () => new Map((await datapaths.all()).map((one) => [one.id, one.name]))
  return {
    gate,
    handlers: (publish: (event: Event) => void) => switchCertificateHandlers({ enrolment, names, publish }),
    attention: switchCertificateAttention(store, ownEnd),
    /** Renews, and closes what ended or is trusted no longer; done by itself from time to time. */
    tick,
    close: () => clearInterval(timer),
  }
}
export type SwitchTls = Awaited<ReturnType<typeof openSwitchTls>>

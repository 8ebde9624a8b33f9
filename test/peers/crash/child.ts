import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'
import type { Order, Report } from './engine.ts'

/** How an engine's process ended: by its own account, or killed at the moment that was chosen. */
export type Ending = { readonly killed: true } | { readonly killed: false; readonly outcome: string }

export interface Nursery {
  /** Gives an order to a fresh engine. `listening` is called when switches may connect to it. */
  run(order: Order, listening: () => Promise<void>): Promise<Ending>
  close(): void
}

const ENGINE = path.join(import.meta.dirname, 'engine.ts')
const PATIENCE_MS = 60_000

/** Starts engines; the next one warms up while one is at work, since loading takes longer than a change. */
export function createNursery(): Nursery {
  const born = (): ChildProcess => fork(ENGINE, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  let next = born()
  return {
    run: (order, listening) =>
      new Promise((resolve, reject) => {
        const child = next
        next = born()
        let outcome: string | undefined
        const late = setTimeout(() => child.kill('SIGTERM'), PATIENCE_MS)
        const hear = (report: Report) => {
          if (report.type === 'listening') listening().catch(reject)
          if (report.type === 'ended') outcome = report.outcome
          if (report.type === 'failed') reject(new Error(report.message))
        }
        child.on('message', hear)
        child.send(order)
        child.once('error', reject)
        child.once('exit', (code, signal) => {
          clearTimeout(late)
          if (outcome !== undefined) resolve({ killed: false, outcome })
          else if (signal === 'SIGKILL') resolve({ killed: true })
          else reject(new Error(`the engine ended with ${signal ?? code} and without an answer`))
        })
      }),
    close: () => void next.kill(),
  }
}

import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { type Checkpoint, type CheckpointKeys, checkpointBytes } from './checkpoint.ts'
import type { Head } from './line.ts'

export interface CheckpointStore {
  /** Chains that went on since their newest checkpoint, with where they end. */
  unsigned(): Promise<(Head & { readonly chain: string })[]>
  keep(checkpoints: readonly Checkpoint[]): Promise<void>
}

export interface CheckpointParts {
  readonly store: CheckpointStore
  readonly keys: Pick<CheckpointKeys, 'signer'>
  /** A checkpoint is made after so many lines … */
  readonly lines: number
  /** … and after this time, where a chain went on. */
  readonly interval_ms: number
  readonly onKept: () => void
  readonly onFault: (error: Error) => void
  readonly clock?: Clock
}

/** Signs where chains end, now and then, and when the engine ends. */
export function checkpointKeeper(parts: CheckpointParts) {
  const { store, keys, lines, interval_ms, onKept, onFault, clock = systemClock } = parts
  let since = 0
  let timer: NodeJS.Timeout | undefined
  let signing: Promise<void> | undefined

  async function sign(): Promise<void> {
    const signer = await keys.signer()
    if (!signer) return
    const checkpoints: Checkpoint[] = []
    for (const head of await store.unsigned()) {
      const unsigned = { ...head, at_ms: clock.now_ms() }
      const signature = await signer.sign(checkpointBytes(unsigned))
      checkpoints.push({ ...unsigned, keyId: signer.keyId, signature })
    }
    if (checkpoints.length === 0) return
    await store.keep(checkpoints)
    onKept()
  }

  /** Signs what is not signed; whoever asks meanwhile waits for the same. Faults are told, not thrown. */
  const now = (): Promise<void> => {
    since = 0
    signing ??= sign()
      .catch((error: Error) => onFault(error))
      .finally(() => {
        signing = undefined
      })
    return signing
  }

  return {
    /** Told of lines that were stored. */
    stored(count: number): void {
      since += count
      if (since >= lines) void now()
    },
    now,
    start(): void {
      timer ??= setInterval(() => void now(), interval_ms)
    },
    /** Signs the end of every chain that went on. */
    async close(): Promise<void> {
      clearInterval(timer)
      await signing
      await now()
    },
  }
}

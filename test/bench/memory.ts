import { readdirSync, readFileSync } from 'node:fs'

/*
 * Memory of a running instance: `node test/bench/memory.ts [instance]`, beside `./weft up --instance …`.
 * Proportional set size (PSS): pages that several processes share are counted once in all.
 */

const LIMIT_MIB = 700

const lineOf = (file: string, name: string): number => {
  const [, value] = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(file, 'utf8')) ?? []
  return Number(value ?? 0)
}

/** Process ids by parent. */
function children(): Map<number, number[]> {
  const byParent = new Map<number, number[]>()
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one)))
    try {
      const parent = lineOf(`/proc/${name}/status`, 'PPid')
      byParent.set(parent, [...(byParent.get(parent) ?? []), Number(name)])
    } catch {
      // It ended while we looked.
    }
  return byParent
}

function family(pid: number, byParent: ReadonlyMap<number, number[]>): number[] {
  return [pid, ...(byParent.get(pid) ?? []).flatMap((child) => family(child, byParent))]
}

function pss_MiB(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    try {
      return sum + lineOf(`/proc/${pid}/smaps_rollup`, 'Pss') / 1024
    } catch {
      return sum
    }
  }, 0)
}

const instance = process.argv[2] ?? 'main'
interface Running {
  readonly children: readonly { readonly pid: number; readonly name: string }[]
}
const { children: services } = JSON.parse(readFileSync(`.weft/${instance}/processes.json`, 'utf8')) as Running
const byParent = children()
let total = 0
for (const { pid, name } of services) {
  const used = pss_MiB(family(pid, byParent))
  total += used
  process.stdout.write(`${name.padEnd(12)} ${used.toFixed(0).padStart(5)} MiB\n`)
}
const sum = `${total.toFixed(0).padStart(5)} MiB of ${LIMIT_MIB}, ratio ${(total / LIMIT_MIB).toFixed(2)}`
process.stdout.write(`${'together'.padEnd(12)} ${sum}\n`)

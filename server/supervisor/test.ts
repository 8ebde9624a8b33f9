import { spawn } from 'node:child_process'
import path from 'node:path'
import { ROOT, toolEnvironment } from '#server/config.ts'
import { makeClient, makePages } from './build.ts'

type Log = (line: string) => void

interface Step {
  readonly name: string
  readonly words: string
  readonly command: readonly string[]
}

const vitest = (project: string, ...folders: string[]) => ['vitest', 'run', '--project', project, ...folders]

/** In the order of what is soonest known. */
const STEPS: readonly Step[] = [
  { name: 'types', words: 'TypeScript', command: ['tsc', '--noEmit'] },
  { name: 'lint', words: 'lint and format', command: ['biome', 'check', '.'] },
  {
    name: 'unused',
    words: 'unused files, exports and dependencies',
    command: ['knip', '--no-progress', '--no-config-hints'],
  },
  {
    name: 'advisories',
    words: 'known vulnerabilities',
    command: ['node', 'server/supervisor/ask-advisories.ts'],
  },
  { name: 'architecture', words: 'architecture rules', command: vitest('unit', 'test/architecture') },
  { name: 'unit', words: 'unit tests', command: vitest('unit', 'test/unit') },
  { name: 'golden', words: 'golden tests', command: vitest('unit', 'test/golden') },
  { name: 'peers', words: 'real peers', command: vitest('peers') },
  { name: 'browser', words: 'browser', command: vitest('e2e') },
]

interface Outcome {
  readonly step: Step
  readonly ok: boolean
  readonly passed: number
  readonly failed: number
  readonly seconds: string
}

const number = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0)

/** Counts from vitest's last lines; a step of another tool counts as one. */
function countsOf(step: Step, ok: boolean, output: string): { passed: number; failed: number } {
  const summary = step.command[0] === 'vitest' ? /^\s*Tests\s.*$/m.exec(output)?.[0] : undefined
  // A registry that was not reached vouches for nothing.
  if (/^not asked:/m.test(output) && ok) return { passed: 0, failed: 0 }
  if (summary === undefined) return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
  const failed = number(summary, /(\d+) failed/)
  return { passed: number(summary, /(\d+) passed/), failed: ok ? failed : Math.max(failed, 1) }
}

function run(step: Step, signal: AbortSignal): Promise<Outcome> {
  const start_ms = performance.now()
  const [tool, ...args] = step.command
  const bin = path.join(ROOT, 'node_modules/.bin')
  const env = toolEnvironment({ NO_COLOR: '1', FORCE_COLOR: '0' })
  return new Promise((resolve, reject) => {
    const child = spawn(
      path.join(bin, tool as string),
      [...args, ...(tool === 'vitest' ? ['--passWithNoTests'] : [])],
      {
        ...{ cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] },
      },
    )
    let output = ''
    const take = (text: string) => {
      output = (output + text).slice(-200_000)
      process.stdout.write(text)
    }
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', take)
    const end = () => child.kill('SIGTERM')
    signal.addEventListener('abort', end, { once: true })
    child.once('error', reject)
    child.once('close', (code) => {
      signal.removeEventListener('abort', end)
      const seconds = ((performance.now() - start_ms) / 1000).toFixed(1)
      resolve({ step, ok: code === 0, ...countsOf(step, code === 0, output), seconds })
    })
  })
}

function summarise(outcomes: readonly Outcome[], log: Log): boolean {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0)
  log('\n')
  for (const { step, ok, passed, failed, seconds } of outcomes) {
    const counts = failed > 0 ? `${passed} passed, ${failed} failed` : `${passed} passed`
    log(`${ok ? 'ok    ' : 'FAILED'}  ${step.name.padEnd(13)} ${counts.padEnd(26)} ${seconds.padStart(6)} s`)
  }
  log(`\n${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed`)
  return outcomes.length > 0 && outcomes.every(({ ok }) => ok)
}

/** Runs the named steps, or all; each one to its end, so that one run says all that is wrong. Answers whether all is well. */
export async function runTests(names: readonly string[], log: Log, signal: AbortSignal): Promise<boolean> {
  const unknown = names.filter((name) => !STEPS.some((step) => step.name === name))
  if (unknown.length > 0)
    throw new Error(`no such step: ${unknown.join(', ')}; there are ${STEPS.map(({ name }) => name).join(', ')}`)
  await makeClient(log, signal)
  // Types of pages are checked with what the build declares of them.
  await makePages(log, signal)
  const outcomes: Outcome[] = []
  for (const step of STEPS.filter(({ name }) => names.length === 0 || names.includes(name))) {
    if (signal.aborted) break
    log(`\n── ${step.words}`)
    outcomes.push(await run(step, signal))
  }
  return summarise(outcomes, log) && !signal.aborted
}

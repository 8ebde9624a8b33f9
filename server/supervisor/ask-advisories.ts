/**
 * A step of the tests: asks the registry for known vulnerabilities of what `package-lock.json` names, and fails where one
 * has stayed longer than it may. Where no registry answers that, it says so, and judges by what is known already.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { ROOT, toolEnvironment } from '#server/config.ts'
import { judgeAdvisories, KnownAdvisories, readReport } from './advisories.ts'

const FILE = '.ci/advisories.yaml'
const TIMEOUT_MS = 60_000

/** What npm prints: a report, also where it ends with 1 because it found something; else the registry's error. */
function audit(): Promise<string> {
  const args = ['audit', '--json', '--fetch-retries=0', '--fetch-timeout=20000']
  const options = { cwd: ROOT, env: toolEnvironment(), timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 }
  return new Promise((resolve) => {
    execFile('npm', args, options, (_error, stdout) => resolve(stdout))
  })
}

const known = KnownAdvisories.parse(parse(await readFile(path.join(ROOT, FILE), 'utf8')) ?? [])
const report = readReport(await audit())
const { faults, remarks } = judgeAdvisories(report, known, new Date().toISOString().slice(0, 10))
const say = (line: string) => void process.stdout.write(`${line}\n`)
for (const line of remarks) say(line)
for (const line of faults) say(`FAULT ${line}`)
if (faults.length > 0) say(`Mend it, or say in ${FILE} since when it is known, and why it can wait.`)
if (!report) say('not asked: the registry has no answer')
else if (faults.length === 0) say('Nothing is known that stays longer than it may.')
process.exitCode = faults.length > 0 ? 1 : 0

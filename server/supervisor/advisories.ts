import { z } from 'zod'

/** How long a known vulnerability may stay, in days. */
export const FRAMES_DAYS = { reachable: 7, unreachable: 30 } as const

const DAY_MS = 86_400_000

/** An advisory that was looked at and waits for its mend. */
export const KnownAdvisory = z.strictObject({
  /** As in the address of the advisory: `GHSA-…`. */
  advisory: z.string().min(1),
  package: z.string().min(1),
  /** The day on which it was first seen. */
  found: z.iso.date(),
  /** Whether what strangers send gets there. */
  reachable: z.boolean(),
  /** Why it can wait. */
  reason: z.string().min(10),
})
export type KnownAdvisory = z.infer<typeof KnownAdvisory>
export const KnownAdvisories = z.array(KnownAdvisory)

const Via = z.object({
  source: z.number(),
  name: z.string(),
  title: z.string(),
  url: z.string(),
  severity: z.string(),
  range: z.string(),
})

/** What `npm audit --json` prints where a registry answered: version 2 of its report. */
const AuditReport = z.object({
  auditReportVersion: z.literal(2),
  vulnerabilities: z.record(
    z.string(),
    z.object({
      name: z.string(),
      /** Advisories, and names of packages that bring them along. */
      via: z.array(z.union([z.string(), Via])),
      nodes: z.array(z.string()),
    }),
  ),
})
export type AuditReport = z.infer<typeof AuditReport>

/** Reads what npm printed; undefined where no registry answered. Throws for a report of another version: that is no silence. */
export function readReport(text: string): AuditReport | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  const isReport = typeof json === 'object' && json !== null && 'auditReportVersion' in json
  return isReport ? AuditReport.parse(json) : undefined
}

/** What is wrong, and what is only to be told. */
export interface Judgement {
  readonly faults: readonly string[]
  readonly remarks: readonly string[]
}

const idOf = ({ url, source }: z.infer<typeof Via>) => /GHSA(-\w{4}){3}/.exec(url)?.[0] ?? String(source)

/** The day after which a known advisory is a fault. */
export function dueOf({ found, reachable }: KnownAdvisory): string {
  const days = FRAMES_DAYS[reachable ? 'reachable' : 'unreachable']
  return new Date(Date.parse(found) + days * DAY_MS).toISOString().slice(0, 10)
}

/** What those whose time is over are called; also where no registry answers. */
const overdue = (known: readonly KnownAdvisory[], today: string): string[] =>
  known
    .filter((one) => dueOf(one) < today)
    .map((one) => `${one.package}: ${one.advisory} was found on ${one.found} and had to be mended by ${dueOf(one)}.`)

/**
 * Judges a report by the time frames. An advisory that nobody has looked at is a fault at once; one that somebody has is a
 * fault when its time is over. `report`: undefined where no registry answers.
 */
export function judgeAdvisories(
  report: AuditReport | undefined,
  known: readonly KnownAdvisory[],
  today: string,
): Judgement {
  const early = known.filter(({ found }) => found > today).map((one) => `${one.advisory} is found in the future.`)
  const faults = [...overdue(known, today), ...early]
  if (!report) return { faults, remarks: [] }
  const reported = new Map(
    Object.values(report.vulnerabilities)
      .flatMap(({ via }) => via.filter((one) => typeof one !== 'string'))
      .map((one) => [`${one.name} ${idOf(one)}`, one]),
  )
  const looked = new Map(known.map((one) => [`${one.package} ${one.advisory}`, one]))
  for (const [key, { name, title, severity, range, url }] of reported)
    if (!looked.has(key)) faults.push(`${name} ${range}: ${title} (${severity}). ${url} is not looked at.`)
  const remarks = known.map((one) =>
    reported.has(`${one.package} ${one.advisory}`)
      ? `${one.package}: ${one.advisory} waits until ${dueOf(one)}: ${one.reason}`
      : `${one.package}: ${one.advisory} is not reported any more; remove its entry.`,
  )
  return { faults, remarks }
}

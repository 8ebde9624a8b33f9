import type { Change } from '#server/contract/changes.ts'
import { reasonsOf } from '#server/engine/change/plan.ts'
import type { Proposal } from '#server/engine/change/propose.ts'
import type { Finding } from '#server/engine/finding.ts'
import type { Entry, Group } from '#server/engine/program/entry.ts'
import type { DatapathRecord } from '#server/inventory/facts.ts'
import type { Label } from '#server/inventory/labels.ts'
import { datapathDifference, shownSubjects } from '../difference.ts'
import type { Preview } from './progress.ts'

/** The intents that ask for an entry or group, after the change or before it. */
function reasons({ before, after }: Proposal, datapathId: string, of: Entry | Group): readonly string[] {
  const now = reasonsOf(after.get(datapathId), of)
  return now.length > 0 ? now : reasonsOf(before.get(datapathId), of)
}

const touched = ({ plan }: Proposal): string[] => [...new Set(plan.waves.flatMap(({ parts }) => [...parts.keys()]))]

/** Every intent that a preview names. */
export const namedIn = (proposal: Proposal): Set<string> =>
  new Set(
    touched(proposal).flatMap((id) =>
      shownSubjects(proposal.plan.waves, id).flatMap((of) => reasons(proposal, id, of)[0] ?? []),
    ),
  )

const wordsFor = (names: ReadonlyMap<string, Label>, because: readonly string[]): string => {
  const [first] = because
  const label = first === undefined ? undefined : names.get(first)
  return label ? `${label.kind} ${label.name}` : (first?.split('/')[0] ?? '')
}

const plainFinding = (finding: Finding): Change['findings'][number] => ({
  ...finding,
  witness: finding.witness ? [...finding.witness] : undefined,
})

/** What a proposal will do, in the shape of the API: findings, waves, and each datapath's lines. */
export function previewOf(
  proposal: Proposal,
  findings: readonly Finding[],
  records: readonly DatapathRecord[],
  names: ReadonlyMap<string, Label>,
): Preview {
  const byId = new Map(records.map((record) => [record.id, record]))
  const datapaths = touched(proposal).map((datapathId) => {
    const record = byId.get(datapathId)
    const tables = [proposal.after, proposal.before].flatMap((side) => side.get(datapathId)?.tables ?? [])
    return datapathDifference(proposal.plan.waves, {
      ...{ datapathId, datapath: record?.name ?? datapathId, server: record?.serverName ?? '' },
      tables: [...new Map(tables.map((one) => [one.table, one])).values()],
      because: (of) => wordsFor(names, reasons(proposal, datapathId, of)),
    })
  })
  return {
    findings: findings.map(plainFinding),
    waves: proposal.plan.waves.map(({ name, words, parts }) => ({
      name,
      words,
      datapaths: parts.size,
      state: 'waits',
    })),
    datapaths: datapaths.sort((a, b) => (a.datapath < b.datapath ? -1 : 1)),
  }
}

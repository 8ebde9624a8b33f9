import type { Finding } from '../../finding.ts'
import type { DatapathFact } from '../../infrastructure.ts'
import type { Program } from '../../program/program.ts'
import type { ComposedTable } from '../compose.ts'

const perTable = (program: Program): Map<number, number> => {
  const counts = new Map<number, number>()
  for (const { table } of program.entries.values()) counts.set(table, (counts.get(table) ?? 0) + 1)
  return counts
}

const count = (n: number): string => n.toLocaleString('en')

function fullTables(
  datapath: DatapathFact,
  program: Program,
  tables: readonly ComposedTable[],
  most: number,
): Finding[] {
  return [...perTable(program)].flatMap(([table, entries]): Finding[] => {
    if (entries <= most) return []
    const name = tables.find((one) => one.table === table)?.name
    return [
      {
        severity: 'error',
        rule: 'capacity.table',
        message: `Table ${table}${name ? ` (${name})` : ''} of ${datapath.name} would hold ${count(entries)} entries; it has room for ${count(most)}.`,
        mend: 'Place some of the ports on another server, or remove ports that are no longer used.',
        limit: `${most}`,
        datapathId: datapath.id,
      },
    ]
  })
}

function refusedGroups(
  datapath: DatapathFact,
  program: Program,
  limits: NonNullable<DatapathFact['limits']>,
): Finding[] {
  const findings: Finding[] = []
  const types = new Set([...program.groups.values()].map(({ type }) => type))
  for (const type of types)
    if (!limits.groupTypes.includes(type))
      findings.push({
        severity: 'error',
        rule: 'feature.group-type',
        message: `${datapath.name} has no groups of type ${type}, which floods need.`,
        mend: 'Place the ports on a server whose switch reports that group type.',
        datapathId: datapath.id,
      })
  if (program.groups.size > limits.maxGroups)
    findings.push({
      severity: 'error',
      rule: 'capacity.groups',
      message: `${datapath.name} would hold ${count(program.groups.size)} groups; it has room for ${count(limits.maxGroups)}.`,
      mend: 'Place some of the networks on another server.',
      limit: `${limits.maxGroups}`,
      datapathId: datapath.id,
    })
  return findings
}

function missingTables(datapath: DatapathFact, tables: readonly ComposedTable[], most: number): Finding[] {
  const beyond = tables.find(({ table }) => table >= most)
  if (beyond === undefined) return []
  return [
    {
      severity: 'error',
      rule: 'capacity.tables',
      message: `${datapath.name} has ${count(most)} tables; ${beyond.name} would be table ${beyond.table}.`,
      mend: 'Place the ports on a server whose switch has more tables.',
      limit: `${most}`,
      datapathId: datapath.id,
    },
  ]
}

/** Whether a datapath can hold a program, by what it said of itself. One that never connected has said nothing. */
export function checkCapacity(
  datapath: DatapathFact,
  program: Program,
  tables: readonly ComposedTable[],
): readonly Finding[] {
  const { limits } = datapath
  if (!limits) return []
  const findings = missingTables(datapath, tables, limits.tables)
  findings.push(...fullTables(datapath, program, tables, limits.tableDefault))
  findings.push(...refusedGroups(datapath, program, limits))
  if (program.entries.size > 0 && !limits.features.includes('bundles'))
    findings.push({
      severity: 'error',
      rule: 'feature.bundles',
      message: `${datapath.name} has no bundles, so a change there would not be atomic.`,
      mend: 'Let the switch speak OpenFlow 1.4 or newer.',
      datapathId: datapath.id,
    })
  return findings
}

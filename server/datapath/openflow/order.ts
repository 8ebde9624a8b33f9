import { actionsOf, type Entry, type Group } from '#server/engine/program/entry.ts'
import type { Difference } from '#server/engine/program/program.ts'

/** One modification of a switch. Entries are added (over an older one) or deleted strictly, never modified. */
export type Step =
  | { readonly type: 'group'; readonly command: 'add' | 'modify' | 'delete'; readonly group: Group }
  | { readonly type: 'entry'; readonly command: 'add' | 'delete'; readonly entry: Entry }

interface OrderOptions {
  /** Groups that the switch holds; without it the difference's own `before` tells whether a group is there. */
  readonly groups?: ReadonlySet<number>
  /** Tables without room for what is added: there deletes come before adds. */
  readonly full?: ReadonlySet<number>
}

/** The groups that a group's buckets send packets to, or watch. */
function referencesOf(group: Group): number[] {
  return group.buckets.flatMap(({ actions, watch_group }) => [
    ...(watch_group === undefined ? [] : [watch_group]),
    ...actions.flatMap((action) => (action.type === 'group' ? [action.group] : [])),
  ])
}

/** Groups with the ones they refer to first. Those in a circle keep their place: the switch refuses them by name. */
export function leavesFirst(groups: readonly Group[]): Group[] {
  const byNumber = new Map(groups.map((group) => [group.group, group]))
  const sorted: Group[] = []
  const visited = new Set<number>()
  const visit = (start: Group) => {
    // A stack of our own: chains of groups may be long.
    const stack: { group: Group; rest: number[] }[] = []
    const enter = (group: Group) => {
      if (visited.has(group.group)) return
      visited.add(group.group)
      stack.push({ group, rest: referencesOf(group) })
    }
    enter(start)
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const next = top.rest.pop()
      if (next === undefined) {
        sorted.push(top.group)
        stack.pop()
        continue
      }
      const group = byNumber.get(next)
      if (group) enter(group)
    }
  }
  for (const group of groups) visit(group)
  return sorted
}

function groupSteps(difference: Difference, held: ReadonlySet<number> | undefined): { put: Step[]; gone: Step[] } {
  const put: Group[] = []
  const gone: Group[] = []
  const present = new Set(held)
  for (const { before, after } of difference.groups) {
    if (before && !held) present.add(before.group)
    if (after) put.push(after)
    else if (before) gone.push(before)
  }
  return {
    put: leavesFirst(put).map((group) => ({
      type: 'group',
      command: present.has(group.group) ? 'modify' : 'add',
      group,
    })),
    gone: leavesFirst(gone)
      .reverse()
      .map((group) => ({ type: 'group', command: 'delete', group })),
  }
}

/**
 * The modifications that a difference asks for, in the order in which a switch takes them: groups put (leaves first),
 * deletes from full tables, entries added, entries deleted, groups deleted (roots first). So no entry ever points to a
 * group that is not there, and no group takes entries along when it goes.
 */
export function stepsOf(difference: Difference, options: OrderOptions = {}): Step[] {
  const { put, gone } = groupSteps(difference, options.groups)
  const early: Step[] = []
  const adds: Step[] = []
  const late: Step[] = []
  for (const { before, after } of difference.entries) {
    if (after) adds.push({ type: 'entry', command: 'add', entry: after })
    else if (before)
      (options.full?.has(before.table) ? early : late).push({ type: 'entry', command: 'delete', entry: before })
  }
  return [...put, ...early, ...adds, ...late, ...gone]
}

/** How many entries each table gains, for tables that gain some. */
export function growth(difference: Difference): Map<number, number> {
  const gains = new Map<number, number>()
  for (const { before, after } of difference.entries)
    if (after && !before) gains.set(after.table, (gains.get(after.table) ?? 0) + 1)
  return gains
}

/** A port that the difference's actions send packets through after they set a tunnel's destination. */
export function tunnelPortOf(difference: Difference): number | undefined {
  const lists = [
    ...difference.groups.flatMap(({ after }) => after?.buckets.map(({ actions }) => actions) ?? []),
    ...difference.entries.flatMap(({ after }) => (after ? [actionsOf(after)] : [])),
  ]
  for (const actions of lists) {
    const set = actions.findIndex((action) => action.type === 'set_field' && action.field === 'tun_dst')
    const output = set < 0 ? undefined : actions.slice(set).find((action) => action.type === 'output')
    if (output?.type === 'output') return output.port
  }
  return undefined
}

import { type AnyContractRouter, isContractProcedure } from '@orpc/contract'
import type { Meta } from '#server/contract/base.ts'
import { RIGHTS } from '#server/contract/rights.ts'

/** A procedure of the contract as HTTP serves it. */
export interface HttpProcedure {
  /** `area.procedure` */
  readonly name: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/api/v1`, with `{field}` for the fields that stand in it. */
  readonly path: string
  readonly pathFields: readonly string[]
  readonly meta: Meta
}

const KNOWN: ReadonlySet<string> = new Set([...RIGHTS, 'public', 'self'])

function procedureOf(
  name: string,
  { method, path }: { method?: string; path?: string },
  meta: Partial<Meta>,
): HttpProcedure {
  if (method === undefined || path === undefined) throw new Error(`${name}: names no method and path`)
  if (meta.right === undefined || !KNOWN.has(meta.right)) throw new Error(`${name}: names no right`)
  const pathFields = [...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => field as string)
  return { name, method: method as HttpProcedure['method'], path, pathFields, meta: meta as Meta }
}

/** All procedures of a router, or of the contract. Throws for one that names no right: such a one is never served. */
export function proceduresOf(router: AnyContractRouter, names: readonly string[] = []): HttpProcedure[] {
  if (isContractProcedure(router)) {
    const { route, meta } = router['~orpc']
    return [procedureOf(names.join('.'), route, meta)]
  }
  return Object.entries(router).flatMap(([name, below]) => proceduresOf(below as AnyContractRouter, [...names, name]))
}

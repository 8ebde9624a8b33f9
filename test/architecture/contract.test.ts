import type { AnyContractRouter } from '@orpc/contract'
import { oc } from '@orpc/contract'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ById, procedure } from '#server/contract/base.ts'
import { contract } from '#server/contract/index.ts'
import { ROLE_RIGHTS } from '#server/contract/rights.ts'
import { proceduresOf } from '#server/http/procedures.ts'

const procedures = proceduresOf(contract as AnyContractRouter)
const route = { method: 'GET', path: '/x' } as const

/** Whether it is the key that is refused, in each form that the input may have. */
const refusesKey = (issues: readonly z.core.$ZodIssue[]): boolean =>
  issues.some((issue) =>
    issue.code === 'invalid_union' ? issue.errors.every(refusesKey) : issue.code === 'unrecognized_keys',
  )

describe('every procedure', () => {
  test('names a right that somebody holds, or `public`, or `self`', () => {
    expect(procedures.length).toBeGreaterThan(40)
    for (const { name, meta } of procedures) {
      const holders = Object.values(ROLE_RIGHTS).filter((rights) => (rights as readonly string[]).includes(meta.right))
      if (meta.right !== 'public' && meta.right !== 'self') expect(holders.length, name).toBeGreaterThan(0)
    }
  })

  test('and one that names none is not served', () => {
    expect(() => proceduresOf({ x: oc.route(route) } as AnyContractRouter)).toThrow('x: names no right')
    const wrong = procedure({ right: 'network.reed' as 'network.read' }).route(route)
    expect(() => proceduresOf({ x: wrong } as AnyContractRouter)).toThrow('names no right')
  })

  test('is public for signing in alone', () => {
    const names = procedures.filter(({ meta }) => meta.right === 'public').map(({ name }) => name)
    expect(names.toSorted()).toEqual([
      'credentials.beginSignIn',
      'session.create',
      'signIn.arrival',
      'signIn.providers',
    ])
  })

  test('reads where it is a GET, and where its right is one to read it changes no intent', () => {
    for (const { name, method, meta } of procedures)
      if (method === 'GET') expect(meta.right, name).toMatch(/\.read$|^self$|^public$/)
  })

  test('has a path and a name in the command line of its own', () => {
    const paths = procedures.map(({ method, path }) => `${method} ${path}`)
    const commands = procedures.flatMap(({ meta }) => (meta.cli ? `${meta.cli.noun} ${meta.cli.verb}` : []))
    expect(new Set(paths).size).toBe(paths.length)
    expect(new Set(commands).size).toBe(commands.length)
  })

  test('takes an id where it asks for a revision', () => {
    for (const { name, pathFields, meta } of procedures) if (meta.revision) expect(pathFields, name).toContain('id')
  })

  test('says that it is secret where a password or secret goes in, or a secret comes out', () => {
    const schemasOf = (name: string) => {
      const found = name.split('.').reduce<unknown>((below, part) => (below as Record<string, unknown>)[part], contract)
      const { inputSchema, outputSchema } = (
        found as { '~orpc': { inputSchema?: z.ZodType; outputSchema?: z.ZodType } }
      )['~orpc']
      return JSON.stringify(
        [inputSchema, outputSchema].map((one) => one && z.toJSONSchema(one, { unrepresentable: 'any' })),
      )
    }
    const SECRET = /"(?:password|secret|clientSecret|token)":\{[^{}]*"type":"string"/
    const posts = procedures.filter(({ method }) => method === 'POST')
    const open = posts.filter(({ name, meta }) => SECRET.test(schemasOf(name)) && !meta.secret)
    expect(open.map(({ name }) => name)).toEqual([])
    expect(posts.filter(({ meta }) => meta.secret).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['tokens.create', 'users.create', 'session.stepUp', 'identityProviders.allowScim']),
    )
  })

  test('says which fields ask for more than its right, wherever something is given to somebody', () => {
    const GIVES = ['tenantId', 'siteId', 'role', 'rights', 'rules', 'operators', 'breakGlass', 'quotas']
    // What is only tried gives nothing, and what is imported is for the whole installation by its right.
    const NOTHING = ['identityProviders.trial', 'inventory.import', 'inventory.setProfile']
    const silent = procedures.flatMap(({ name, method, meta }) => {
      const found = name.split('.').reduce<unknown>((below, part) => (below as Record<string, unknown>)[part], contract)
      const { inputSchema } = (found as { '~orpc': { inputSchema?: z.ZodType } })['~orpc']
      if (method === 'GET' || !inputSchema || NOTHING.includes(name)) return []
      const { properties = {} } = z.toJSONSchema(inputSchema, { io: 'input', unrepresentable: 'any' })
      return GIVES.filter((field) => field in properties && !meta.fields?.[field]).map((field) => `${name} ${field}`)
    })
    expect(silent).toEqual([])
    expect(procedures.filter(({ meta }) => meta.fields).length).toBeGreaterThan(12)
  })

  test('refuses unknown keys', () => {
    const inputOf = (name: string) => {
      const found = name.split('.').reduce<unknown>((below, part) => (below as Record<string, unknown>)[part], contract)
      return (found as { '~orpc': { inputSchema?: z.ZodType } })['~orpc'].inputSchema
    }
    const loose = procedures.filter(({ name }) => {
      const input = inputOf(name)
      const { error } = input?.safeParse({ 'no such key': 1 }) ?? {}
      return input !== undefined && !(error && refusesKey(error.issues))
    })
    expect(loose.map(({ name }) => name)).toEqual([])
    expect(ById.safeParse({ id: 1, more: 1 }).error?.issues.some(({ code }) => code === 'unrecognized_keys')).toBe(true)
  })
})

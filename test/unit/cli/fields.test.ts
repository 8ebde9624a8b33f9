import { describe, expect, test } from 'vitest'
import { EXIT, failureOf } from '#server/cli/exit.ts'
import { flagOf, nounOfField, readValue } from '#server/cli/fields.ts'
import { cliProcedures } from '#server/cli/nouns.ts'
import { format } from '#server/cli/output.ts'

const nouns = cliProcedures()
const field = (noun: string, verb: string, name: string) => {
  const found = nouns
    .get(noun)
    ?.get(verb)
    ?.fields.find((one) => one.name === name)
  if (!found) throw new Error(`${noun} ${verb} has no ${name}`)
  return found
}

describe('fields of a command', () => {
  test('come from the contract with form, need and words', () => {
    expect(field('network', 'create', 'vni')).toMatchObject({ form: 'number', required: false })
    expect(field('network', 'create', 'tenantId')).toMatchObject({ form: 'text', required: true })
    expect(field('port', 'create', 'addresses')).toMatchObject({ form: 'list', required: false })
    expect(field('port', 'create', 'vlan')).toMatchObject({ form: 'number', nullable: true, required: false })
    expect(field('network', 'list', 'filter')).toMatchObject({ form: 'list' })
    expect(field('change', 'commit', 'force')).toMatchObject({ form: 'boolean' })
    expect(field('user', 'create', 'role').choices).toContain('auditor')
    expect(field('tenant', 'create', 'quotas')).toMatchObject({ form: 'object' })
  })

  test('are flags without Id, in lower case', () => {
    expect([flagOf('tenantId'), flagOf('displayName'), flagOf('vni')]).toEqual(['tenant', 'display-name', 'vni'])
  })

  test('that are ids name a noun', () => {
    expect(nounOfField('id', 'network')).toBe('network')
    expect(nounOfField('attachmentId', 'port')).toBe('attachment')
    expect(nounOfField('change', 'port')).toBe('change')
    expect(nounOfField('vni', 'network')).toBeUndefined()
  })

  test('that others gave are no ids of ours, and keep their name', () => {
    expect(nounOfField('clientId', 'identity-provider')).toBeUndefined()
    expect(flagOf('clientId')).toBe('client-id')
  })

  test('are read by their form', () => {
    expect(readValue(field('network', 'create', 'vni'), '5001')).toBe(5001)
    expect(() => readValue(field('network', 'create', 'vni'), 'many')).toThrow('--vni: many is not a number')
    expect(readValue(field('port', 'create', 'vlan'), 'none')).toBeNull()
    expect(readValue(field('tenant', 'create', 'quotas'), 'networks=3,ports=40')).toEqual({ networks: 3, ports: 40 })
    expect(readValue(field('tenant', 'create', 'quotas'), '{"networks":3}')).toEqual({ networks: 3 })
  })
})

describe('answers', () => {
  test('are tables for people, the name first, without ids', () => {
    const items = [
      {
        id: 'x',
        vni: 5001,
        name: 'web',
        tenantId: 't',
        tenantName: 'red',
        state: { state: 'held', words: '' },
        revision: 3,
      },
    ]
    expect(format({ items, next: null }, 'table').split('\n')).toEqual([
      'NAME   VNI  TENANT  STATE',
      'web   5001  red     held',
    ])
    expect(format({ items: [], next: null }, 'table')).toBe('Nothing.')
    expect(format({ items, next: 'abc' }, 'table')).toContain('--cursor abc')
  })

  test('are JSON and YAML for programs, whole', () => {
    const answer = { id: 'x', revision: 3 }
    expect(JSON.parse(format(answer, 'json'))).toEqual(answer)
    expect(format(answer, 'yaml')).toBe('id: x\nrevision: 3')
  })
})

test.each([
  [401, EXIT.unauthorised],
  [403, EXIT.unauthorised],
  [404, EXIT.notFound],
  [409, EXIT.conflict],
  [422, EXIT.refused],
  [428, EXIT.conflict],
  [500, EXIT.fault],
])('a refusal with %i ends the command with %i', (status, exit) => {
  const failure = failureOf({ type: '', title: '', status, detail: 'No.', code: '', errors: [] })
  expect(failure.exit).toBe(exit)
})

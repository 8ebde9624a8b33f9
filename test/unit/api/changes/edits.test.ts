import { describe, expect, test } from 'vitest'
import { referencesOf, viewEdit } from '#server/api/changes/edits.ts'
import type { EditRow } from '#server/inventory/changes.ts'

const port = { networkId: 'n1', name: 'web', attachmentId: 'a1', addresses: ['10.0.0.3', 'fd00::3'], vlan: null }
const edit = (before: unknown, after: unknown, operation: EditRow['operation'] = 'update'): EditRow => ({
  ...{ kind: 'port', id: 'p1', operation, before, after },
})
const NAMES = new Map([['network/n1', { name: 'blue' }]])

describe('an edit in words', () => {
  test('shows what is new, with names for ids where they are known', () => {
    const { label, fields } = viewEdit(edit(null, port, 'create'), NAMES)
    expect(label).toBe('web')
    expect(fields).toEqual([
      { field: 'networkId', before: null, after: 'blue' },
      { field: 'name', before: null, after: 'web' },
      { field: 'attachmentId', before: null, after: 'a1' },
      { field: 'addresses', before: null, after: '10.0.0.3, fd00::3' },
    ])
  })

  test('shows only the fields that change, and never ids of its own', () => {
    const { fields } = viewEdit(edit({ ...port, id: 'p1', revision: 1 }, { ...port, revision: 2, vlan: 7 }), NAMES)
    expect(fields).toEqual([{ field: 'vlan', before: null, after: '7' }])
  })

  test('shows what goes, by its last name or prefix', () => {
    expect(viewEdit(edit(port, null, 'delete'), NAMES).label).toBe('web')
    expect(viewEdit(edit({ prefix: '10.0.0.0/24' }, null, 'delete'), NAMES).label).toBe('10.0.0.0/24')
    expect(viewEdit(edit({}, null, 'delete'), NAMES).label).toBe('p1')
  })
})

test('references are what names are looked up by', () => {
  expect(referencesOf([edit(port, { ...port, attachmentId: 'a2' })])).toEqual([
    ...['network/n1', 'attachment/a1', 'network/n1', 'attachment/a2'],
  ])
})

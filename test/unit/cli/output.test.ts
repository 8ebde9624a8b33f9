import { expect, test } from 'vitest'
import { format } from '#server/cli/output.ts'

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'

test('what is for a file is whole for programs, and does not fill the lines that people read', () => {
  const answer = { items: [{ state: 'valid', certificate: PEM }], next: null }
  expect(format(answer, 'table')).toBe('STATE  CERTIFICATE\nvalid  PEM, by -o json')
  expect(format({ name: 'a', certificate: PEM }, 'table')).not.toContain('MIIB')
  expect(JSON.parse(format(answer, 'json'))).toEqual(answer)
})

test('a table has the columns that are asked for, in their order', () => {
  const answer = { items: [{ id: '1', title: 'Tea', href: '/tea' }], next: null }
  expect(format(answer, 'table', ['title', 'id'])).toBe('TITLE  ID\nTea    1')
  expect(JSON.parse(format(answer, 'json', ['title']))).toEqual(answer)
})

import type { ScimQuery, ScimTest } from '#server/identity/scim/ports.ts'
import { brokenRules } from '#server/kernel/refusal.ts'
import { Prisma } from './generated/client.ts'

/** What can be asked for, by attribute in lower case: text of the query's row; `exact`: case counts. */
export type Askable = Readonly<
  Record<string, { readonly sql: Prisma.Sql; readonly exact?: boolean } | 'boolean' | undefined>
>

const unaskable = ({ attribute, operator }: ScimTest) =>
  brokenRules([
    {
      ...{ pointer: '', rule: 'scim.filter', message: `${attribute} ${operator} cannot be asked for.` },
      mend: 'Ask for a name or an id.',
    },
  ])

function textTest(test: ScimTest, sql: Prisma.Sql, exact: boolean): Prisma.Sql {
  const { operator, value } = test
  if (operator === 'pr') return Prisma.sql`coalesce(${sql}, '') <> ''`
  if (typeof value !== 'string') throw unaskable(test)
  const [held, asked] = exact ? [sql, Prisma.sql`${value}`] : [Prisma.sql`lower(${sql})`, Prisma.sql`lower(${value})`]
  switch (operator) {
    case 'eq':
      return Prisma.sql`${held} = ${asked}`
    case 'ne':
      return Prisma.sql`${held} IS DISTINCT FROM ${asked}`
    case 'co':
      return Prisma.sql`strpos(${held}, ${asked}) > 0`
    case 'sw':
      return Prisma.sql`starts_with(${held}, ${asked})`
    case 'ew':
      return Prisma.sql`right(${held}, length(${asked})) = ${asked}`
  }
}

function testOf(test: ScimTest, askable: Askable): Prisma.Sql {
  const column = Object.hasOwn(askable, test.attribute) ? askable[test.attribute] : undefined
  if (column === undefined) throw unaskable(test)
  if (column !== 'boolean') return textTest(test, column.sql, column.exact === true)
  if (typeof test.value !== 'boolean' || (test.operator !== 'eq' && test.operator !== 'ne')) throw unaskable(test)
  return test.value === (test.operator === 'eq') ? Prisma.sql`q.active` : Prisma.sql`NOT q.active`
}

/** The condition of a query. Throws `Refusal` (`rule`) for what cannot be asked for. */
export function conditionOf({ any }: ScimQuery, askable: Askable): Prisma.Sql {
  if (any.length === 0) return Prisma.sql`true`
  const all = any.map(
    (tests) =>
      Prisma.sql`(${Prisma.join(
        tests.map((test) => testOf(test, askable)),
        ' AND ',
      )})`,
  )
  return Prisma.join(all, ' OR ')
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** Ids come from outside: anything else is the id of nothing. */
export const isId = (id: string): boolean => UUID.test(id)

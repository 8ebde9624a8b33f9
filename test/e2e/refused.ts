import { expect } from 'vitest'
import type { Problem } from '#server/contract/base.ts'
import type { Change, ChangeSummary } from '#server/contract/changes.ts'
import type { Api, Asked, Reply } from './api.ts'
import type { Page } from './running-lab.ts'

/** Everything that a refused write could have left behind: objects, drafts, tasks, and the next number of the pool. */
async function stored(operator: Api, change: string | undefined): Promise<unknown> {
  const lists = ['/tenants', '/networks', '/subnets', '/ports', '/tasks', '/users']
  const found = await Promise.all(lists.map((path) => operator.get<Page<object>>(path)))
  const { items } = await operator.get<Page<ChangeSummary>>('/changes', { filter: 'state:ne:discarded' })
  // How things stand on the switches moves by itself.
  const intent = found.map((page) => page.items.map((item) => ({ ...item, state: undefined, spoofed: undefined })))
  const draft =
    change === undefined ? undefined : (await operator.ask<Partial<Change>>('GET', `/changes/${change}`)).body
  return [...intent, items.map(({ name, state }) => [name, state]), draft?.edits]
}

/** What a problem says first; checks its form. */
export function said({ status, headers, body }: Reply<Problem>) {
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(body).toMatchObject({ status, type: `urn:weft:problem:${body.code}`, title: expect.stringMatching(/\w/) })
  expect(body.detail).toMatch(/\w.*\.$/)
  for (const { message, mend } of body.errors)
    expect([message, mend]).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\w/)])
  const [first] = body.errors
  return { status, code: body.code, pointer: first?.pointer, rule: first?.rule }
}

/** Asks for what must be refused, and checks that nothing was stored. Answers all of the problem. */
export async function refusal(operator: Api, as: Api, method: string, path: string, asked: Asked = {}) {
  const { change } = (asked.body ?? {}) as { change?: string }
  const before = await stored(operator, change)
  const reply = await as.ask<Problem>(method, path, asked)
  expect(await stored(operator, change)).toEqual(before)
  return reply
}

/** The same, and answers what the problem says first. `operator` sees everything. */
export const refusedTo = (operator: () => Api) => async (as: Api, method: string, path: string, asked?: Asked) =>
  said(await refusal(operator(), as, method, path, asked))

/** An id that nothing has. */
export const NOWHERE = '01a1fcb4-c9f1-725c-abdb-f25b649bf204'

export const rule = (pointer: string, name: string) => ({ status: 422, code: 'rule', pointer, rule: name })
export const taken = (pointer: string, name: string) => ({ status: 409, code: 'conflict', pointer, rule: name })

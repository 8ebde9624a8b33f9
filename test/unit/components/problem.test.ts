import { describe, expect, it } from 'vitest'
import { byField, ProblemError, problemOf, readProblem } from '#components/queries/problem.ts'

const problem = {
  ...{ type: 'about:blank', title: 'The VNI is taken', status: 409, detail: 'ledger holds VNI 7.', code: 'conflict' },
  errors: [{ pointer: '/vni', rule: 'network.vni-taken', message: 'ledger holds VNI 7.', mend: 'Use 8.' }],
}
const answer = (body: string, status: number) =>
  new Response(body, { status, headers: { 'content-type': 'application/problem+json' } })

describe('a refusal', () => {
  it('is read with its details, which are found by their field', async () => {
    const read = await readProblem(answer(JSON.stringify(problem), 409))
    expect(read).toEqual(problem)
    expect(byField(read).get('vni')?.[0]?.mend).toBe('Use 8.')
    expect(problemOf(new ProblemError(read))).toBe(read)
  })

  it.each(['', '<html>', '{"message":"no"}'])('with the body %j still has its status', async (body) => {
    expect(await readProblem(answer(body, 502))).toMatchObject({ status: 502, errors: [] })
  })

  it('that never came says that the engine does not answer', () => {
    expect(problemOf(new TypeError('fetch failed'))).toMatchObject({ status: 0, code: 'unreachable' })
  })
})

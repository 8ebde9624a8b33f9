import { Problem, type ProblemDetail } from '#server/contract/base.ts'

/** A refusal of the API, with its RFC 9457 body. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

const unreachable: Problem = {
  type: 'about:blank',
  title: 'Weft does not answer',
  status: 0,
  detail: 'The engine did not answer. It may be restarting; nothing was lost.',
  code: 'unreachable',
  errors: [],
}

/** Reads the body of a refusal; a body that is no problem document becomes one of the status alone. */
export async function readProblem(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => undefined)
  const parsed = Problem.safeParse(body)
  if (parsed.success) return parsed.data
  return {
    type: 'about:blank',
    title: response.statusText || `Status ${response.status}`,
    status: response.status,
    detail: `The engine answered ${response.status} without saying why.`,
    code: `http-${response.status}`,
    errors: [],
  }
}

/** What went wrong, for any error that a call can end with. */
export const problemOf = (error: unknown): Problem => (error instanceof ProblemError ? error.problem : unreachable)

/** The details that point at one of these fields (`name`, `/name`, `/ports/0/vlan`), by the first segment. */
export function byField(problem: Problem | undefined): ReadonlyMap<string, readonly ProblemDetail[]> {
  const fields = new Map<string, ProblemDetail[]>()
  for (const detail of problem?.errors ?? []) {
    const field = detail.pointer.replace(/^\/(body\/|query\/|params\/)?/, '').split('/')[0] ?? ''
    fields.set(field, [...(fields.get(field) ?? []), detail])
  }
  return fields
}

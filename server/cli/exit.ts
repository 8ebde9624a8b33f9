import type { Problem } from '#server/contract/base.ts'

/** How the command ends; scripts rely on the numbers. */
export const EXIT = {
  done: 0,
  fault: 1,
  usage: 2,
  refused: 3,
  unauthorised: 4,
  notFound: 5,
  conflict: 6,
  undone: 7,
} as const
export type Exit = (typeof EXIT)[keyof typeof EXIT]

/** Ends the command with words for people and a number for scripts. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly exit: Exit

  constructor(exit: Exit, message: string) {
    super(message)
    this.exit = exit
  }
}

const BY_STATUS: Readonly<Record<number, Exit>> = {
  400: EXIT.refused,
  401: EXIT.unauthorised,
  403: EXIT.unauthorised,
  404: EXIT.notFound,
  409: EXIT.conflict,
  413: EXIT.refused,
  422: EXIT.refused,
  428: EXIT.conflict,
  429: EXIT.refused,
}

/** Makes a failure of what the API refused: each wrong field on a line, with what to do. */
export function failureOf({ status, detail, errors }: Problem): CommandFailure {
  const lines = errors.map(
    ({ pointer, message, mend }) => `  ${pointer === '' ? '' : `${pointer}: `}${message} ${mend}`,
  )
  const hint = status === 401 ? ['  Sign in with `./weft login`.'] : []
  return new CommandFailure(BY_STATUS[status] ?? EXIT.fault, [detail, ...lines, ...hint].join('\n'))
}

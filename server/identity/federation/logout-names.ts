import { NAME_ID } from '../saml/names.ts'
import type { NameId } from '../saml/provider.ts'

/** The name that a console was given for somebody: persistent, and good between it and us alone. */
export const consoleName = (ownIdp: string, console: string, value: string): NameId => ({
  ...{ value, format: NAME_ID.persistent, nameQualifier: ownIdp, spNameQualifier: console },
})

const QUALIFIED: readonly string[] = [NAME_ID.persistent, NAME_ID.transient]

/** Of these formats a qualifier that is left out means the one who gives the name, and the one who is told it (core 8.3.7). */
const written = ({ value, format, nameQualifier, spNameQualifier }: NameId, from: string, to: string): NameId =>
  QUALIFIED.includes(format)
    ? { value, format, nameQualifier: nameQualifier || from, spNameQualifier: spNameQualifier || to }
    : { value, format, nameQualifier, spNameQualifier }

/** One text for each name, whichever way it is written, among those that `from` gives and `to` is told (entity ids). */
export const nameKey = (nameId: NameId, from: string, to: string): string => {
  const { value, format, nameQualifier, spNameQualifier } = written(nameId, from, to)
  return JSON.stringify([value, format, nameQualifier, spNameQualifier])
}

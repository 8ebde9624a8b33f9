import { z } from 'zod'

/** A password that is chosen: as the API takes it, in the words of a form. */
export const NewPassword = z.string().min(12, 'At least 12 characters.').max(256, 'At most 256 characters.')

// What a person writes for the record: a name, or a reason.
import { z } from 'zod'

/** At most `maxChars`, without what PostgreSQL cannot store. */
export function note(maxChars: number): z.ZodString {
  return z
    .string()
    .trim()
    .min(1)
    .max(maxChars)
    .regex(/^[^\0]*$/, 'must not contain NUL')
}

// A request to dismiss a finding.
import { z } from 'zod'
import { AppError } from '../lib/error.ts'
import { describe, PARSING } from '../lib/zod.ts'

export const dismissRequest = z.strictObject({
  reason: z.string().max(2_000).optional().meta({ description: 'Why it is wrong or not wanted.' }),
})

/**
 * Reads why a finding is dismissed.
 * @throws AppError `input_invalid` naming the field at fault.
 */
export function readDismissal(body: unknown): { reason: string | undefined } {
  const { data, error } = dismissRequest.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the request' }))
  return { reason: data.reason }
}

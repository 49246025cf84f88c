// Labels: adding one that is there, or removing one that is not, changes nothing, so there is
// nothing to look for.
import { z } from 'zod'
import type { WriteForge } from '../forges/forge.ts'
import { numberOf } from '../forges/target.ts'
import type { Receipt } from './output.ts'
import { common, labelTarget, names } from './output-fields.ts'

/** Labels on an issue or pull request, created in the repository when missing, and taken off. */
export const labelsOutput = z
  .strictObject({
    kind: z.literal('labels'),
    ...common,
    target: labelTarget,
    labels: names.optional(),
    remove: names.optional(),
  })
  .refine(({ labels, remove }) => labels !== undefined || remove !== undefined, {
    path: ['labels'],
    error: 'is required, unless "remove" is given',
  })

/** What an agent says of labels. */
export type LabelsOutput = z.infer<typeof labelsOutput>

/**
 * Adds and removes the labels. `created` is false whatever was missing, because what the receipt is
 * of, the issue or pull request, was there.
 */
export async function publishLabels(forge: WriteForge, output: LabelsOutput): Promise<Receipt> {
  const { repository, target, labels = [], remove = [] } = output
  const { url } = await forge.removeLabels(repository, target, remove)
  if (labels.length > 0) await forge.addLabels(repository, target, labels)
  return { url, number: numberOf(target), created: false }
}

// Publishing labels: adding one that is there changes nothing, so there is nothing to look for.
import type { WriteForge } from '../forges/forge.ts'
import { numberOf } from '../forges/target.ts'
import type { LabelsOutput, Receipt } from './output.ts'

/**
 * Adds the labels, creating those the repository lacks. `created` is false whatever was missing,
 * because what the receipt is of, the issue or pull request, was there.
 */
export async function publishLabels(forge: WriteForge, output: LabelsOutput): Promise<Receipt> {
  const { url } = await forge.addLabels(output.repository, output.target, output.labels)
  return { url, number: numberOf(output.target), created: false }
}

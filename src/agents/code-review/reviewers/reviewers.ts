// All reviewers that need no model.
import type { Diff } from '../../../diffs/diff.ts'
import type { Finding } from '../../../findings/finding.ts'
import { SEVERITIES } from '../../../findings/finding.ts'
import { deploymentPolicy } from './deployment-policy.ts'
import { files } from './files.ts'
import { leftovers } from './leftovers.ts'
import { modes } from './modes.ts'
import type { Head, Reviewer } from './reviewer.ts'
import { secrets } from './secrets.ts'
import { workflows } from './workflows.ts'

/** In the order in which their findings are shown. */
const REVIEWERS: readonly Reviewer[] = [secrets, leftovers, deploymentPolicy, workflows, modes, files]

// Nobody reads more, and a change that is made to have more must not end the review.
const MAX_FINDINGS = 500

/** What all of them find, each line's secret once; of too many the most severe. */
export async function reviewWithoutModel(diff: Diff, head: Head = {}): Promise<Finding[]> {
  const all = await Promise.all(
    REVIEWERS.map(async ({ name, review }) => {
      const remarks = await review(diff, head)
      return remarks.map((remark): Finding => ({ reviewer: name, ...remark }))
    }),
  )
  const found = new Map<string, Finding>()
  for (const finding of all.flat()) {
    const { category, path, side, line, title } = finding
    // Two reviewers look for secrets, each where the other does not see them.
    const key = JSON.stringify([category, path, side, line, category === 'secret' && line !== null ? '' : title])
    if (!found.has(key)) found.set(key, finding)
  }
  return mostSevere([...found.values()])
}

function mostSevere(findings: Finding[]): Finding[] {
  if (findings.length <= MAX_FINDINGS) return findings
  const levelOf = ({ severity }: Finding) => SEVERITIES.indexOf(severity)
  return findings.toSorted((one, other) => levelOf(one) - levelOf(other)).slice(0, MAX_FINDINGS)
}

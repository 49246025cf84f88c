// Labels: https://docs.github.com/en/rest/issues/labels
import type { Octokit } from 'octokit'
import type { WriteForge } from '../forge.ts'
import type { LabelTarget } from '../target.ts'
import { numberOf } from '../target.ts'
import type { Repository } from './clients.ts'
import type { GithubConnection } from './connection.ts'
import { githubText, statusOf } from './github-failure.ts'
import { webUrl } from './web-url.ts'

const LOOK = { color: '1d76db', description: 'Added by Signalbox' }

/** See `WriteForge`. Adding a label that is there already changes nothing. */
export function labels({ apiUrl, withClient }: GithubConnection): Pick<WriteForge, 'addLabels' | 'removeLabels'> {
  const pageOf = (repository: string, target: LabelTarget) => ({
    url: `${webUrl(apiUrl)}/${repository}/${'issue' in target ? 'issues' : 'pull'}/${numberOf(target)}`,
  })
  return {
    addLabels: (repository, target, names) =>
      withClient(repository, async (octokit, at) => {
        for (const name of names) await ensureLabel(octokit, { ...at, name })
        await octokit.rest.issues.addLabels({ ...at, issue_number: numberOf(target), labels: [...names] })
        return pageOf(repository, target)
      }),

    removeLabels: (repository, target, names) =>
      withClient(repository, async (octokit, at) => {
        for (const name of names) await removeLabel(octokit, { ...at, issue_number: numberOf(target), name })
        return pageOf(repository, target)
      }),
  }
}

async function removeLabel(
  octokit: Octokit,
  label: Repository & { issue_number: number; name: string },
): Promise<void> {
  try {
    await octokit.rest.issues.removeLabel(label)
  } catch (error) {
    // The issue itself being absent is "Not Found".
    if (statusOf(error) !== 404 || !/label does not exist/i.test(githubText(error))) throw error
  }
}

async function ensureLabel(octokit: Octokit, label: Repository & { name: string }): Promise<void> {
  try {
    await octokit.rest.issues.getLabel(label)
  } catch (error) {
    if (statusOf(error) !== 404) throw error
    await createLabel(octokit, label)
  }
}

async function createLabel(octokit: Octokit, label: Repository & { name: string }): Promise<void> {
  try {
    await octokit.rest.issues.createLabel({ ...label, ...LOOK })
  } catch (error) {
    // 422 `already_exists`: another publication was faster.
    if (statusOf(error) !== 422 || !/already_exists/.test(String(error))) throw error
  }
}

// Labels: https://docs.github.com/en/rest/issues/labels
import type { Octokit } from 'octokit'
import type { WriteForge } from '../forge.ts'
import type { Repository } from './clients.ts'
import type { GithubConnection } from './connection.ts'
import { statusOf } from './github-failure.ts'

const LOOK = { color: '1d76db', description: 'Added by Signalbox' }

/** See `WriteForge`. Adding a label that is there already changes nothing. */
export function labels({ apiUrl, withClient }: GithubConnection): Pick<WriteForge, 'addLabels'> {
  return {
    addLabels: (repository, issue, names) =>
      withClient(repository, async (octokit, at) => {
        for (const name of names) await ensureLabel(octokit, { ...at, name })
        await octokit.rest.issues.addLabels({ ...at, issue_number: issue, labels: [...names] })
        return { url: `${webUrl(apiUrl)}/${repository}/issues/${issue}` }
      }),
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

/**
 * `https://api.github.com` is shown at `https://github.com`, and `https://HOST/api/v3` at
 * `https://HOST`.
 */
function webUrl(apiUrl: string): string {
  return apiUrl.replace(/^https:\/\/api\.github\.com$/, 'https://github.com').replace(/\/api\/v3$/, '')
}

// Labels: https://docs.github.com/en/rest/issues/labels
import type { Octokit } from 'octokit'
import type { WriteForge } from '../forge.ts'
import type { GithubConnection } from './connection.ts'
import { statusOf } from './github-failure.ts'

const LOOK = { color: '1d76db', description: 'Added by Signalbox' }

/** See `WriteForge.addLabels`. Adding a label that is there already changes nothing. */
export function addLabels(
  { apiUrl, as }: GithubConnection,
  ...[repository, issue, labels]: Parameters<WriteForge['addLabels']>
): Promise<{ url: string }> {
  return as(repository, async (octokit, at) => {
    for (const name of labels) await ensureLabel(octokit, { ...at, name })
    await octokit.rest.issues.addLabels({ ...at, issue_number: issue, labels: [...labels] })
    return { url: `${webUrl(apiUrl)}/${repository}/issues/${issue}` }
  })
}

async function ensureLabel(octokit: Octokit, label: { owner: string; repo: string; name: string }): Promise<void> {
  try {
    await octokit.rest.issues.getLabel(label)
  } catch (error) {
    if (statusOf(error) !== 404) throw error
    await createLabel(octokit, label)
  }
}

async function createLabel(octokit: Octokit, label: { owner: string; repo: string; name: string }): Promise<void> {
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

// What is at GitHub: asked of its API, page by page, or read from a file of what that answers.
import { readFile } from 'node:fs/promises'
import type { EffectFound } from './evidence.ts'

/** What a repository has, as GitHub's API shows it. */
export type GithubState = {
  comments: { body: string; html_url: string }[]
  /** `commits` is how many are on the branch of the pull request and not on its base. */
  pulls: { body: string | null; html_url: string; number: number; commits: number }[]
}

const PAGE = 100
const AT_ONCE = 4

/** Asks the API, or reads a file. */
export async function readGithub(
  from: string,
  { repository, token }: { repository: string; token: string },
): Promise<GithubState> {
  if (!/^https?:/.test(from)) return JSON.parse(await readFile(from, 'utf8')) as GithubState
  const at = `${from}/repos/${repository}`
  const ofCommits = await pages<GithubState['comments'][number]>(`${at}/comments`, token)
  const ofIssues = await pages<GithubState['comments'][number]>(`${at}/issues/comments`, token)
  const pulls = await pages<Omit<GithubState['pulls'][number], 'commits'>>(`${at}/pulls?state=all`, token)
  const counted: GithubState['pulls'] = []
  for (let i = 0; i < pulls.length; i += AT_ONCE) {
    const some = pulls.slice(i, i + AT_ONCE).map(async (pull) => {
      const commits = await pages(`${at}/pulls/${pull.number}/commits`, token)
      return { ...pull, commits: commits.length }
    })
    counted.push(...(await Promise.all(some)))
  }
  return { comments: [...ofCommits, ...ofIssues], pulls: counted }
}

async function pages<T>(url: string, token: string): Promise<T[]> {
  const all: T[] = []
  for (let page = 1; ; page++) {
    const query = `${url.includes('?') ? '&' : '?'}per_page=${PAGE}&page=${page}`
    const response = await fetch(`${url}${query}`, { headers: { authorization: `Bearer ${token}` } })
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
    const items = (await response.json()) as T[]
    all.push(...items)
    if (items.length < PAGE) return all
  }
}

/** The effects among it: what names a webhook, and what should not be there at all. */
export function effectsOf({ comments, pulls }: GithubState): EffectFound[] {
  const named = (text: string | null) => /saw (delivery-\d+)\./.exec(text ?? '')?.[1] ?? `"${text}"`
  return [
    ...comments.map(({ body, html_url }) => ({
      delivery: named(body),
      effect: 'comment' as const,
      at: html_url,
      commits: 1,
    })),
    ...pulls.map(({ body, html_url, commits }) => ({
      delivery: named(body),
      effect: 'pull request' as const,
      at: html_url,
      commits,
    })),
  ]
}

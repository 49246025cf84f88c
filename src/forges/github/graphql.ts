// GitHub's GraphQL API, for what REST does not have: https://docs.github.com/en/graphql
import type { Octokit } from 'octokit'
import type { Repository } from './clients.ts'

type Variables = Record<string, string | number | null>

/** Reads. It is sent by POST like a write, and neither paced nor stopped like one. */
export function query<T>(octokit: Octokit, at: Repository, text: string, variables: Variables): Promise<T> {
  return octokit.graphql<T>(text, { ...variables, request: { ...at.request, isRead: true } })
}

/** Changes something. */
export async function mutate(octokit: Octokit, at: Repository, text: string, variables: Variables): Promise<void> {
  await octokit.graphql(text, { ...variables, request: { ...at.request } })
}

// Checks, which only Apps can write, and the statuses of commits: https://docs.github.com/en/rest/checks
// and https://docs.github.com/en/rest/commits/statuses
import type { Annotation, Check, CheckForge, CheckState } from '../checks.ts'
import type { GithubConnection } from './connection.ts'
import { isForbidden } from './github-failure.ts'
import { waitIfInDoubt } from './in-doubt.ts'
import { firstPages, PAGE_SIZE } from './pages.ts'

const MAX_PAGES = 10

/** See `CheckForge`. */
export function checks({ withClient }: GithubConnection): CheckForge {
  return {
    maxAnnotations: 50,

    checks: (repository, sha, name) =>
      withClient(repository, async (octokit, at) => {
        const options = { ...at, ref: sha, check_name: name, filter: 'all', per_page: PAGE_SIZE } as const
        const pages = firstPages(MAX_PAGES, (data: Run[]) => data.map(toCheck))
        return octokit.paginate(octokit.rest.checks.listForRef, options, pages).catch((error: unknown) => {
          if (isForbidden(error)) return []
          throw error
        })
      }),

    createCheck: (repository, { sha, name, externalId, ...state }, annotations) =>
      withClient(repository, async (octokit, at) => {
        const request = { ...at, head_sha: sha, name, external_id: externalId, ...toRequest(state, annotations) }
        try {
          const { data } = await waitIfInDoubt('a new check', octokit.rest.checks.create(request))
          return { id: data.id, url: data.html_url ?? '' }
        } catch (error) {
          if (isForbidden(error)) return null
          throw error
        }
      }),

    updateCheck: (repository, id, state, annotations) =>
      withClient(repository, async (octokit, at) => {
        const request = { ...at, check_run_id: id, ...toRequest(state, annotations) }
        await waitIfInDoubt('the change of a check', octokit.rest.checks.update(request))
      }),

    commitStatus: (repository, sha, context) =>
      withClient(repository, async (octokit, at) => {
        const options = { ...at, ref: sha, per_page: PAGE_SIZE }
        const all = await octokit.paginate(octokit.rest.repos.listCommitStatusesForRef, options)
        const status = all.find((each) => each.context === context)
        if (status === undefined) return null
        return {
          state: status.state as 'error' | 'failure' | 'pending' | 'success',
          context,
          description: status.description ?? '',
          ...(status.target_url ? { targetUrl: status.target_url } : {}),
          author: status.creator?.login ?? null,
        }
      }),

    createCommitStatus: (repository, sha, { state, context, description, targetUrl }) =>
      withClient(repository, async (octokit, at) => {
        const target = targetUrl === undefined ? {} : { target_url: targetUrl }
        await octokit.rest.repos.createCommitStatus({ ...at, sha, state, context, description, ...target })
      }),
  }
}

type Run = {
  id: number
  html_url: string | null
  external_id: string | null
  status: string
  conclusion: string | null
  output: { title: string | null; summary: string | null; annotations_count: number }
  app: { slug?: string } | null
}

function toCheck(run: Run): Check {
  return {
    id: run.id,
    url: run.html_url ?? '',
    externalId: run.external_id ?? '',
    status: run.status,
    conclusion: run.conclusion,
    title: run.output.title ?? '',
    summary: run.output.summary ?? '',
    author: run.app?.slug === undefined ? null : `${run.app.slug}[bot]`,
    annotations: run.output.annotations_count,
  }
}

function toRequest(
  { status, conclusion, title, summary, text, detailsUrl }: CheckState,
  annotations: readonly Annotation[],
) {
  return {
    // GitHub takes a conclusion as completion.
    ...(status === 'completed' && conclusion !== undefined ? { conclusion } : { status }),
    ...(detailsUrl === undefined ? {} : { details_url: detailsUrl }),
    output: {
      title,
      summary,
      ...(text === undefined ? {} : { text }),
      annotations: annotations.map((each) => ({
        path: each.path,
        start_line: each.startLine,
        end_line: each.endLine,
        annotation_level: each.level,
        message: each.message,
        ...(each.title === undefined ? {} : { title: each.title }),
      })),
    },
  }
}

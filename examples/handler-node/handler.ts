// The handler of every example, configured by environment variables.
import { createHandler } from '@signalbox/handler'

function variable(name: string): string | undefined {
  return process.env[name]?.trim() || undefined
}

/**
 * Creates the handler from `AGENTA_WEBHOOK_SECRET` (several, separated by commas, while one is
 * replaced), `GITHUB_TOKEN`, `GITHUB_REPO`, `GITHUB_BASE_BRANCH` and `GITHUB_API_URL`.
 * A body may have 1 MB.
 */
export function handlerFromEnvironment(): (request: Request) => Promise<Response> {
  return createHandler({
    maxBodyBytes: 1024 * 1024,
    secrets: (variable('AGENTA_WEBHOOK_SECRET') ?? '').split(','),
    github: {
      token: variable('GITHUB_TOKEN'),
      repository: variable('GITHUB_REPO'),
      baseBranch: variable('GITHUB_BASE_BRANCH'),
      apiUrl: variable('GITHUB_API_URL'),
    },
  })
}

// The handler as every example sets it up: from the environment.
import { createHandler } from '@signalbox/handler'

function variable(name: string): string | undefined {
  return process.env[name]?.trim() || undefined
}

/**
 * Reads `AGENTA_WEBHOOK_SECRET` (several separated by commas while one rotates) and `GITHUB_TOKEN`,
 * `_REPO`, `_BASE_BRANCH`, `_API_URL`.
 */
export function handlerFromEnvironment(): (request: Request) => Promise<Response> {
  return createHandler({
    secrets: (variable('AGENTA_WEBHOOK_SECRET') ?? '').split(','),
    github: {
      token: variable('GITHUB_TOKEN'),
      repository: variable('GITHUB_REPO'),
      baseBranch: variable('GITHUB_BASE_BRANCH'),
      apiUrl: variable('GITHUB_API_URL'),
    },
  })
}

// The handler on Cloudflare Workers: https://developers.cloudflare.com/workers
import { createHandler } from '@signalbox/handler'

/** The secrets and variables of the Worker. */
type Variables = {
  AGENTA_WEBHOOK_SECRET: string
  GITHUB_TOKEN: string
  GITHUB_REPO: string
  GITHUB_BASE_BRANCH?: string
  GITHUB_API_URL?: string
}

let handle: ((request: Request) => Promise<Response>) | undefined

/** The Worker: its handler is made at the first request, which brings the variables. */
export default {
  fetch(request: Request, variables: Variables): Promise<Response> {
    handle ??= createHandler({
      maxBodyBytes: 1024 * 1024,
      secrets: variables.AGENTA_WEBHOOK_SECRET.split(','),
      github: {
        token: variables.GITHUB_TOKEN,
        repository: variables.GITHUB_REPO,
        baseBranch: variables.GITHUB_BASE_BRANCH,
        apiUrl: variables.GITHUB_API_URL,
      },
    })
    return handle(request)
  },
}

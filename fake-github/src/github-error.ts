// Errors exactly as GitHub words them.

/** One entry of the `errors` list of a 422. */
export type FieldError = {
  resource: string
  field?: string
  code: string
  message?: string
  value?: unknown
}

/**
 * An answer that is not a success; the router turns it into GitHub's `{message, documentation_url,
 * status}`.
 */
export class GithubError extends Error {
  readonly status: number
  readonly errors: FieldError[] | string[] | undefined
  readonly headers: Record<string, string>

  constructor(status: number, message: string, errors?: FieldError[] | string[], headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.errors = errors
    this.headers = headers
  }
}

/** 404, also for what the asker may not know of. */
export function notFound(): GithubError {
  return new GithubError(404, 'Not Found')
}

/** 422 with the list of what is wrong. */
export function validationFailed(...errors: FieldError[]): GithubError {
  return new GithubError(422, 'Validation Failed', errors)
}

/** 422 with a sentence of its own and no list. */
export function unprocessable(message: string): GithubError {
  return new GithubError(422, message)
}

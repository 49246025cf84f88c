// One REST request with its answer, as logged and as handed to guards.

/** A REST request and the response it got. */
export type Exchange = {
  method: string
  /** The path without `/api/v3` and without the query. */
  path: string
  /** GitHub's template, such as `/repos/{owner}/{repo}/pulls`; null when no route matched. */
  route: string | null
  query: Record<string, string>
  requestBody: unknown
  requestHeaders: Record<string, string>
  /** The login of whoever asked, or null for nobody. */
  login: string | null
  status: number
  responseBody: unknown
  responseHeaders: Record<string, string>
  /** The kind of fault that shaped this answer, if one did. */
  fault: string | null
}

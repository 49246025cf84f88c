// The part of `fetch` that the client uses, so that little is needed to stand in for it.

/** What a request is sent with. */
export type FetchInit = {
  method?: string
  headers: Record<string, string>
  body?: string
  signal: AbortSignal
  redirect: 'manual'
}

/** What is read of a response. */
export type FetchResponse = Pick<Response, 'ok' | 'status' | 'body' | 'text' | 'arrayBuffer'> & {
  headers: Pick<Headers, 'get'>
}

/** The global `fetch`, or anything that does as much of it. */
export type Fetch = (url: URL, init: FetchInit) => Promise<FetchResponse>

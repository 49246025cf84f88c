// What a Signalbox server, or the way to it, answered instead of a result.

/**
 * A refused or failed call: the server's own `{code, detail}`, or `unreachable` with status 0 when
 * none answered.
 */
export class SignalboxError extends Error {
  override readonly name: string = 'SignalboxError'
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number
  /**
   * The stable code of the server's error table; `http_<status>` when something else answered, such
   * as a proxy.
   */
  readonly code: string
  readonly detail: string

  constructor(status: number, code: string, detail: string, options?: { cause?: unknown }) {
    super(detail === '' ? code : `${code}: ${detail}`, options)
    this.status = status
    this.code = code
    this.detail = detail
  }
}

// Every error Signalbox expects: one table of codes, and the two ways an agent steers its job.

type ErrorRow = { status: number; message: string; hint: string }

function table<const Code extends string>(rows: Record<Code, ErrorRow>): Record<Code, ErrorRow> {
  return rows
}

/**
 * The one table of expected errors: HTTP status, the sentence a caller reads, and what to do about
 * it. `docs/errors.md` lists exactly these.
 */
export const ERRORS = table({
  body_invalid: {
    status: 400,
    message: 'The request body is not valid.',
    hint: 'Send well-formed JSON (or GitHub form encoding) in UTF-8.',
  },
  header_missing: {
    status: 400,
    message: 'A required header is missing.',
    hint: 'Send the header named in the detail.',
  },
  header_invalid: {
    status: 400,
    message: 'A header is malformed.',
    hint: 'Correct the header named in the detail.',
  },
  signature_invalid: {
    status: 401,
    message: 'The request signature is not valid.',
    hint: "Compare the sender's secret with the one configured here; both must be equal.",
  },
  token_invalid: {
    status: 401,
    message: 'The API token is missing or wrong.',
    hint: 'Send "Authorization: Bearer $SIGNALBOX_API_TOKEN".',
  },
  not_found: {
    status: 404,
    message: 'There is no such thing here.',
    hint: 'Check the address and the id.',
  },
  source_unknown: {
    status: 404,
    message: 'There is no source of that name.',
    hint: 'Run "signalbox sources" to see the configured ones.',
  },
  method_not_allowed: {
    status: 405,
    message: 'That method is not allowed here.',
    hint: 'Use the method named in the Allow header.',
  },
  conflict: {
    status: 409,
    message: 'That clashes with what is already there.',
    hint: 'See the detail: use another Idempotency-Key for another request.',
  },
  body_too_large: {
    status: 413,
    message: 'The request body is larger than 25 MB.',
    hint: 'GitHub never sends more than 25 MB; send less.',
  },
  content_type_unsupported: {
    status: 415,
    message: 'That content type is not supported.',
    hint: 'Use application/json, or application/x-www-form-urlencoded for GitHub.',
  },
  input_invalid: {
    status: 422,
    message: 'The request was understood, but a value in it is not acceptable.',
    hint: 'Correct the field named in the detail.',
  },
  job_type_unknown: {
    status: 422,
    message: 'There is no job of that type.',
    hint: 'Use one of the types named in the detail.',
  },
  rate_limited: {
    status: 429,
    message: 'Too many requests.',
    hint: 'Wait for the seconds in the Retry-After header.',
  },
  source_closed: {
    status: 503,
    message: 'This source is closed: it has no secret.',
    hint: 'Set its secret in the environment and restart; a source without one accepts nothing.',
  },
  database_unavailable: {
    status: 503,
    message: 'The database cannot be reached.',
    hint: 'Run "signalbox doctor"; the sender may repeat the request.',
  },
  config_invalid: {
    status: 500,
    message: 'The configuration is not valid.',
    hint: 'Correct the setting named in the detail; docs/configuration.md lists them all.',
  },
  database_busy: {
    status: 500,
    message: 'Another Signalbox owns this data directory.',
    hint: 'Stop the other process, choose another SIGNALBOX_DATA_DIR, or give both one DATABASE_URL.',
  },
  database_failed: {
    status: 500,
    message: 'The embedded database did not start.',
    hint: 'Read the log named in the detail.',
  },
  forge_failed: {
    status: 502,
    message: 'The forge did not do what was asked.',
    hint: 'See the detail; "signalbox doctor" checks the token and its permissions.',
  },
})

/** A stable error code: part of the API, unlike the message. */
export type ErrorCode = keyof typeof ERRORS

/**
 * An expected failure: it reaches the caller as `{code, detail}`, and the CLI as its sentence and a
 * line saying what to do.
 */
export class AppError extends Error {
  override name = 'AppError'
  readonly code: ErrorCode
  readonly detail: string
  readonly headers: Record<string, string>

  constructor(code: ErrorCode, detail?: string, options: { cause?: unknown; headers?: Record<string, string> } = {}) {
    super(detail ?? ERRORS[code].message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = detail ?? ERRORS[code].message
    this.headers = options.headers ?? {}
  }

  /** The HTTP status of the code. */
  get status(): number {
    return ERRORS[this.code].status
  }

  /** One line saying what to do. */
  get hint(): string {
    return ERRORS[this.code].hint
  }
}

/** Thrown by an agent: the job has failed and trying again would not help. */
export class GiveUp extends Error {
  override name = 'GiveUp'
}

/** Thrown by an agent: try this job again at `when`, whatever its back-off says. */
export class RetryAt extends Error {
  override name = 'RetryAt'
  readonly when: Date

  constructor(when: Date, reason: string) {
    super(reason)
    this.when = when
  }
}

/** The text of anything thrown, for a log line or a stored attempt. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // pg and undici give an AggregateError an empty message and put the reasons inside.
  if (error.message === '' && error instanceof AggregateError) return error.errors.map(errorText).join('; ')
  return error.message === '' ? error.name : error.message
}

// Every error Signalbox expects: one table of codes, and the two errors by which an agent controls
// its job.

type ErrorRow = { status: number; message: string; hint: string }

/**
 * All expected errors by code: the HTTP status, the sentence a caller reads, and what to do about
 * it. `docs/errors.md` lists exactly these.
 */
export const ERRORS = {
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
    hint: 'Configure the same secret here and at the sender.',
  },
  token_invalid: {
    status: 401,
    message: 'The API token is missing or wrong.',
    hint: 'Send "Authorization: Bearer $SIGNALBOX_API_TOKEN".',
  },
  not_found: {
    status: 404,
    message: 'Nothing has this address or id.',
    hint: 'Check the address and the id.',
  },
  source_unknown: {
    status: 404,
    message: 'No source has that name.',
    hint: 'Run "signalbox sources" to see the configured ones.',
  },
  method_not_allowed: {
    status: 405,
    message: 'This address does not accept that method.',
    hint: 'Use the method named in the Allow header.',
  },
  conflict: {
    status: 409,
    message: 'The request conflicts with what is stored.',
    hint: 'Read the detail: it says what is stored.',
  },
  payload_pruned: {
    status: 410,
    message: 'What the event said has been deleted.',
    hint: 'Set RETENTION_BODIES_DAYS to more, to keep bodies for longer.',
  },
  body_too_large: {
    status: 413,
    message: 'The request body is larger than 25 MB.',
    hint: 'Send at most 25 MB; GitHub never sends more.',
  },
  content_type_unsupported: {
    status: 415,
    message: 'That content type is not supported.',
    hint: 'Use application/json, or application/x-www-form-urlencoded for GitHub.',
  },
  input_invalid: {
    status: 422,
    message: 'A value in the request is not valid.',
    hint: 'Correct the field named in the detail.',
  },
  job_type_unknown: {
    status: 422,
    message: 'No agent does jobs of that type.',
    hint: 'Use one of the types named in the detail.',
  },
  rate_limited: {
    status: 429,
    message: 'Too many requests.',
    hint: 'Repeat the request after the seconds in the Retry-After header.',
  },
  source_closed: {
    status: 503,
    message: 'This source has no secret, so it accepts nothing.',
    hint: 'Set its secret in the environment and restart Signalbox.',
  },
  api_closed: {
    status: 503,
    message: 'The API is closed: SIGNALBOX_API_TOKEN is not set.',
    hint: 'Set SIGNALBOX_API_TOKEN in the environment and restart Signalbox.',
  },
  encryption_key_missing: {
    status: 503,
    message: 'SIGNALBOX_ENCRYPTION_KEY is not set, and the secrets of endpoints are stored only encrypted.',
    hint: 'Set SIGNALBOX_ENCRYPTION_KEY to what "openssl rand -base64 32" prints, keep a copy, and restart Signalbox.',
  },
  database_unavailable: {
    status: 503,
    message: 'The database cannot be reached.',
    hint: 'Run "signalbox doctor"; repeat the request later.',
  },
  config_invalid: {
    status: 500,
    message: 'The configuration is not valid.',
    hint: 'Correct the setting named in the detail; docs/configuration.md lists them all.',
  },
  secret_unreadable: {
    status: 500,
    message: 'A stored secret cannot be decrypted.',
    hint: 'Set SIGNALBOX_ENCRYPTION_KEY with the key that the detail names, or give the endpoint a new secret.',
  },
  backup_failed: {
    status: 500,
    message: 'The backup could not be made.',
    hint: 'Read the detail: it says why.',
  },
  backup_invalid: {
    status: 422,
    message: 'The backup cannot be restored.',
    hint: 'Read the detail: it says why. Nothing was loaded.',
  },
  database_not_empty: {
    status: 409,
    message: 'The database has something in it already.',
    hint: 'Use an empty one: another SIGNALBOX_DATA_DIR, or another database in DATABASE_URL.',
  },
  database_busy: {
    status: 500,
    message: 'Another Signalbox process uses this data directory.',
    hint: 'Stop the other process, choose another SIGNALBOX_DATA_DIR, or set the same DATABASE_URL for both.',
  },
  database_failed: {
    status: 500,
    message: 'The embedded database did not start.',
    hint: 'Correct what the detail names; a log named there says more.',
  },
  forge_failed: {
    status: 502,
    message: 'The forge did not do what was asked.',
    hint: 'See the detail; "signalbox doctor" checks the token and its permissions.',
  },
} as const satisfies Record<string, ErrorRow>

/** A stable error code: part of the API, unlike the message. */
export type ErrorCode = keyof typeof ERRORS

/**
 * An expected failure. The API answers it with `{code, detail}`; the command line prints the
 * sentence and the hint.
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

/** Thrown by an agent whose job has failed and would fail again: there is no further attempt. */
export class GiveUp extends Error {
  override name = 'GiveUp'
}

/** Thrown by an attempt whose job is not to be done: it is cancelled, and its end is no event. */
export class Skipped extends Error {
  override name = 'Skipped'
}

/** The process that an agent ran in has ended. */
export class AgentDied extends Error {
  override name = 'AgentDied'
}

/** A call of a model would exceed the budget of its job, or has. */
export class BudgetUsed extends GiveUp {
  override name = 'BudgetUsed'
}

/** Thrown by an agent: the next attempt is at `when`, whatever the back-off says. */
export class RetryAt extends Error {
  override name = 'RetryAt'
  readonly when: Date

  constructor(when: Date, reason: string) {
    super(reason)
    this.when = when
  }
}

/**
 * Thrown out of an agent whose job waits for something: the attempt ends, and the next one goes on
 * behind what was waited for.
 */
export class Waiting extends Error {
  override name = 'Waiting'
}

/** The text of anything thrown, for a log line or a stored attempt. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // The AggregateErrors of pg and undici have an empty message; the reasons are inside.
  if (error.message === '' && error instanceof AggregateError) return error.errors.map(errorText).join('; ')
  return error.message === '' ? error.name : error.message
}

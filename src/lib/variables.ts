// What values of variables must be, without zod: its schema of them all takes longer to load than
// Node.js itself, which is too long for a command that only asks a server.
import { MIN_SECRET_CHARS } from '@signalbox/sdk/scheme'
import { AppError } from './error.ts'
import { isHeaderValue } from './header-value.ts'

/** Variables by name, as in `process.env`. */
export type Variables = Record<string, string | undefined>

/** What is wrong with a value, as the end of a sentence; null when nothing is. */
export type Problem = (value: string) => string | null

/** Of an address on the web. */
export function addressProblem(value: string): string | null {
  const isAddress = URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
  return isAddress ? null : 'must be an address that begins with http:// or https://'
}

/** Of a secret. */
export function secretProblem(value: string): string | null {
  return value.length >= MIN_SECRET_CHARS
    ? null
    : `must be at least ${MIN_SECRET_CHARS} characters; "signalbox secret generate" makes one`
}

/**
 * Of what is sent in a header: an error about one quotes it, and a line break inside would show the
 * token.
 */
export function headerProblem(value: string): string | null {
  return isHeaderValue(value) ? null : 'must be visible ASCII characters without spaces'
}

/** Of a whole number. */
export function numberProblem(min: number, max: number): Problem {
  return (value) => {
    if (!/^\d+$/.test(value)) return 'must be a whole number'
    return Number(value) >= min && Number(value) <= max ? null : `must be from ${min} to ${max}`
  }
}

/** A variable without space around it; an empty one counts as unset, as in an untouched `.env`. */
export function readValue(env: Variables, name: string): string | undefined {
  return env[name]?.trim() || undefined
}

/** Where a server listens. */
export const DEFAULT_PORT = 8000
/** Where it keeps its own files. */
export const DEFAULT_DATA_DIR = '.signalbox'

/** What says where a server is and what it is asked with. */
export type ServerVariables = {
  PORT: number
  SIGNALBOX_URL: string | undefined
  SIGNALBOX_API_TOKEN: string | undefined
  SIGNALBOX_DATA_DIR: string
}

/** What is wrong with each of these. */
export const SERVER_PROBLEMS: Readonly<Record<keyof ServerVariables, Problem>> = {
  PORT: numberProblem(0, 65_535),
  SIGNALBOX_URL: addressProblem,
  SIGNALBOX_API_TOKEN: (value) => secretProblem(value) ?? headerProblem(value),
  SIGNALBOX_DATA_DIR: () => null,
}

/**
 * Reads these, and no others.
 * @throws AppError `config_invalid` when they are wrong, naming all of them at once.
 */
export function readServerVariables(env: Variables): ServerVariables {
  const problems = Object.entries(SERVER_PROBLEMS).flatMap(([name, problemOf]) => {
    const value = readValue(env, name)
    const problem = value === undefined ? null : problemOf(value)
    return problem === null ? [] : [`${name}: ${problem}`]
  })
  if (problems.length > 0) throw new AppError('config_invalid', problems.join('\n'))
  return {
    PORT: Number(readValue(env, 'PORT') ?? DEFAULT_PORT),
    SIGNALBOX_URL: readValue(env, 'SIGNALBOX_URL'),
    SIGNALBOX_API_TOKEN: readValue(env, 'SIGNALBOX_API_TOKEN'),
    SIGNALBOX_DATA_DIR: readValue(env, 'SIGNALBOX_DATA_DIR') ?? DEFAULT_DATA_DIR,
  }
}

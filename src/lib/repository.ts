// How a repository is named: `forge:path`, or `owner/name` on the default forge.
import { z } from 'zod'
import { AppError } from './error.ts'

/** The forge that a name without one means. */
export const DEFAULT_FORGE = 'github'

/** A repository's name in its parts; `forge` is null in a name without one. */
export type RepositoryRef = { forge: string | null; path: string }

const FORGE = /^[a-z][a-z0-9-]{0,31}$/

// GitHub's own limits: 39 characters for an owner (a few more for enterprise users), 100 for a
// name. An owner has no dots.
const GITHUB_PATH = /^([A-Za-z0-9](?:[A-Za-z0-9-]|_(?=[A-Za-z0-9])){0,99})\/(?!\.+$)([A-Za-z0-9._-]{1,100})$/

// Elsewhere groups may be nested. No part is nothing but dots, and none looks like an option.
const OTHER_PATH = /^(?=.{1,500}$)(?!-|\.+\/)[A-Za-z0-9._-]+(?:\/(?!-|\.+(?:\/|$))[A-Za-z0-9._-]+)+$/

const SPELLING = 'write owner/name, or forge:path such as gitlab:group/name'

/**
 * The parts of `github:acme/shop`, `gitlab:group/sub/shop` or `acme/shop`. The path on the default
 * forge follows GitHub's rules, with or without the forge in front.
 * @throws AppError `input_invalid` when the text is not the name of a repository.
 */
export function parseRepositoryRef(text: string): RepositoryRef {
  const ref = read(text)
  if (ref === null) throw new AppError('input_invalid', `${quote(text)} is not a repository: ${SPELLING}.`)
  return ref
}

/**
 * The one spelling of a repository, to compare and to store: without the forge where it is the
 * default one. So a policy of `acme/*` also covers what an agent called `github:acme/shop`.
 */
export function formatRepositoryRef({ forge, path }: RepositoryRef): string {
  return forge === null || forge === DEFAULT_FORGE ? path : `${forge}:${path}`
}

/** The one spelling of a repository's name; any other text as it is. */
export function plainRepositoryName(text: string): string {
  const ref = read(text)
  return ref === null ? text : formatRepositoryRef(ref)
}

/**
 * The owner and the name in a path on GitHub.
 * @throws AppError `input_invalid` when GitHub could not have such a repository.
 */
export function parseGithubPath(path: string): { owner: string; repo: string } {
  const [, owner, repo] = GITHUB_PATH.exec(path) ?? []
  if (owner === undefined || repo === undefined) {
    throw new AppError('input_invalid', `${quote(path)} is not a repository on GitHub: write owner/name.`)
  }
  return { owner, repo }
}

/** The name of a repository on any forge, as `parseRepositoryRef` reads it. */
export const repositoryName = z.string().refine(isRepositoryName, SPELLING)

/** Whether a text is the name of a repository, which is also a glob of that one alone. */
export function isRepositoryName(text: string): boolean {
  return read(text) !== null
}

/** `owner/name` on GitHub, as `parseGithubPath` reads it. */
export const githubPath = z.string().regex(GITHUB_PATH, 'write owner/name')

function read(text: string): RepositoryRef | null {
  const colon = text.indexOf(':')
  const forge = colon === -1 ? null : text.slice(0, colon)
  const path = text.slice(colon + 1)
  if (forge !== null && !FORGE.test(forge)) return null
  const grammar = forge === null || forge === DEFAULT_FORGE ? GITHUB_PATH : OTHER_PATH
  return grammar.test(path) ? { forge, path } : null
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}

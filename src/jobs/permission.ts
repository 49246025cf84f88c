// Whether those who caused a job may: asked of the forge once, and remembered for a short time.

import type { Forges } from '../forges/forges.ts'
import { Skipped } from '../lib/error.ts'
import { reaches } from '../lib/permission.ts'
import { DEFAULT_FORGE, parseRepositoryRef } from '../lib/repository.ts'
import type { Question } from '../rules/who.ts'

const FRESH_MS = 60_000
const MAX_ANSWERS = 10_000

/**
 * Why a job is not for those who caused it, as a sentence; null when it is.
 * @throws RetryAt, AppError or GiveUp when the forge gave no answer, which is no permission.
 */
export type AskPermission = (question: Question) => Promise<string | null>

/**
 * Asks whether those who caused a job may.
 * @throws Skipped when they may not.
 */
export async function requirePermission(permitted: AskPermission | undefined, who: Question): Promise<void> {
  const refusal = permitted === undefined ? 'nobody can be asked who may' : await permitted(who)
  if (refusal !== null) throw new Skipped(`skipped: ${refusal}`)
}

/** Asks the forges. An answer counts for a minute, by a clock that nobody can set back (`now`). */
export function permissionsOf({
  forges,
  now = () => performance.now(),
}: {
  forges: Forges
  now?: () => number
}): AskPermission {
  const ask = remembering(now)

  async function hasLevel({ repository, permission }: Question, login: string): Promise<boolean> {
    if (permission === undefined) return false
    const { forge, path } = forges.of(repository)
    const found = await ask(`${repository} ${login}`, () => forge.permission(path, login))
    return reaches(found, permission)
  }

  async function isInTeam({ repository, teams = [] }: Question, login: string): Promise<boolean> {
    const { forge, path } = forges.of(repository)
    for (const team of teams) {
      if (await ask(`${repository} ${team} ${login}`, () => forge.isTeamMember(path, team, login))) return true
    }
    return false
  }

  async function refusalOf(question: Question): Promise<string | null> {
    const { repository, people, ownAccount } = question
    if (ownAccount !== undefined && !(await isAccountOf(forges, repository, ownAccount))) {
      return `\`${ownAccount}\` is not the account that Signalbox writes as`
    }
    for (const login of people) {
      const isAllowed = (await hasLevel(question, login)) || (await isInTeam(question, login))
      if (!isAllowed) return `\`${login}\` ${lackOf(question)}`
    }
    return null
  }

  return async (question) => {
    if (!forges.names.includes(forgeOf(question))) return `nobody can be asked who may: ${REMEDY}`
    return refusalOf(question)
  }
}

const REMEDY = "set GITHUB_TOKEN or a GitHub App, or say who: 'anyone' in the rule"

function forgeOf({ repository }: Question): string {
  return parseRepositoryRef(repository).forge ?? DEFAULT_FORGE
}

/** Whether an account is the one that this program writes as in a repository. */
async function isAccountOf(forges: Forges, repository: string, login: string): Promise<boolean> {
  const { forge, path } = forges.of(repository)
  return (await forge.account(path))?.toLowerCase() === login.toLowerCase()
}

function lackOf({ repository, permission, teams = [] }: Question): string {
  const level = permission === undefined ? [] : [`has no ${permission} permission on ${repository}`]
  const inTeams = teams.length === 0 ? [] : [`is not in ${teams.join(' or ')}`]
  return [...level, ...inTeams].join(' and ')
}

/** Keeps answers while they are fresh; a failure is not one. */
function remembering(nowMs: () => number): <T>(key: string, find: () => Promise<T>) => Promise<T> {
  const answers = new Map<string, { answer: Promise<unknown>; until: number }>()
  return <T>(key: string, find: () => Promise<T>): Promise<T> => {
    const name = key.toLowerCase()
    const now = nowMs()
    const known = answers.get(name)
    if (known !== undefined && known.until > now) return known.answer as Promise<T>
    answers.delete(name)
    const [oldest] = answers.keys()
    if (oldest !== undefined && answers.size >= MAX_ANSWERS) answers.delete(oldest)
    const answer = find()
    answers.set(name, { answer, until: now + FRESH_MS })
    // Whoever asks next asks anew.
    answer.catch(() => answers.delete(name))
    return answer
  }
}

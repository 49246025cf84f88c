// Who may trigger a rule: what the event itself decides, and what is left to ask the forge.
import { z } from 'zod'
import type { Facts } from '../events/facts.ts'
import { isObject } from '../lib/json.ts'
import { didYouMean } from '../lib/nearest.ts'
import { LEVELS } from '../lib/permission.ts'
import type { MatchInput } from './match.ts'
import type { Rule } from './rule.ts'

const login = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?$/, 'must be the name of an account')
const team = z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be an organisation and a team: acme/core')
const permission = z.enum(LEVELS, {
  error: ({ input }) => `must be one of ${LEVELS.join(', ')}${didYouMean(String(input), LEVELS)}`,
})
const ASSOCIATIONS = ['OWNER', 'MEMBER', 'COLLABORATOR', 'CONTRIBUTOR', 'FIRST_TIME_CONTRIBUTOR'] as const

const NEITHER = "must be 'anyone', or an object of permission, teams, associations, bots, users, forks"

/** How a rule says who may trigger it. */
export const whoSchema = z.union(
  [
    z.literal('anyone'),
    z.strictObject({
      permission: permission.optional(),
      teams: z.array(team).min(1).max(20).readonly().optional(),
      associations: z.array(z.enum(ASSOCIATIONS)).min(1).readonly().optional(),
      bots: z.array(login).min(1).max(100).readonly().optional(),
      users: z.array(login).min(1).max(100).readonly().optional(),
      forks: z.enum(['never', 'after-approval', 'always']).optional(),
    }),
  ],
  // What is wrong in an object is said of its field.
  { error: ({ input }) => (isObject(input) ? undefined : NEITHER) },
)

/**
 * Who may trigger a rule: an account that one of `permission` (on the event's repository), `teams`,
 * `associations` and `users` names; a bot only by its name in `bots`. With none of these,
 * `permission: 'write'`. `forks` says what of pull requests from other repositories: nothing (the
 * default), what somebody else than its author asks for by a command or a label, or all.
 */
export type Who = Exclude<z.infer<typeof whoSchema>, 'anyone'>

/** What is left to ask the forge before a job runs, kept with the job. */
export type Question = {
  repository: string
  /** Each must have the permission, or be in one of the teams. */
  people: string[]
  permission?: Who['permission']
  teams?: Who['teams']
  /** The account that must be the one that this program writes as. */
  ownAccount?: string
  /** Set where the event does not say whether its pull request is from a fork, which it may not. */
  refusesForks?: true
}

/** What the event itself decides: who may, why somebody may not, or what is to be asked. */
export type Standing = { refusal: string } | { question: Question | null }

// The events whose text anybody can write on a public repository.
const OPEN_TO_ALL =
  /^(?:issue_comment|issues|pull_request|pull_request_\w+|discussion|discussion_comment|commit_comment)(?:\.|$)/

const OPEN_NAMES = ['issue', 'pull_request', 'discussion', 'commit_comment', 'command']

const DEFAULT: Who = { permission: 'write' }

/**
 * Whom a rule is restricted to, for one event; null when to nobody. A rule that does not say it is
 * for people who may write, where anybody could have caused the event.
 */
export function whoOf(who: Who | 'anyone' | undefined, { type, facts }: MatchInput): Who | null {
  if (who === 'anyone') return null
  if (OPEN_TO_ALL.test(type) || facts.command !== undefined) return who ?? DEFAULT
  const isOfAForge = facts.repository !== undefined || facts.sender !== undefined
  return who !== undefined && isOfAForge ? who : null
}

/**
 * Whom a rule is restricted to, as far as its own fields say for which events it is; null where no
 * event of it is one that anybody could have caused.
 */
export function whoOfRule({ who, on, command }: Pick<Rule, 'who' | 'on' | 'command'>): Who | 'anyone' | null {
  if (who !== undefined) return who === 'anyone' ? who : withoutGaps({ ...who, permission: permissionOf(who) })
  return command !== undefined || [on].flat().some(mayBeOpenToAll) ? DEFAULT : null
}

function withoutGaps(who: Who): Who {
  return Object.fromEntries(Object.entries(who).filter(([, value]) => value !== undefined))
}

/** What a glob begins with decides: one that may match more than these counts as well. */
function mayBeOpenToAll(glob: string): boolean {
  const [literal = ''] = glob.split(/[*?[\]{}()!+@]/, 1)
  if (literal === glob) return glob === 'command' || OPEN_TO_ALL.test(glob)
  return OPEN_NAMES.some((name) => name.startsWith(literal) || literal.startsWith(name))
}

/** Whether an event's sender may trigger a rule, as far as the event says it. */
export function standingOf(who: Who | 'anyone' | undefined, event: MatchInput): Standing {
  const allowed = whoOf(who, event)
  if (allowed === null) return { question: null }
  const { facts } = event
  const fork = forkRefusal(allowed, event)
  if (fork !== null) return { refusal: fork }
  const { repository, sender, originator } = facts
  if (sender === undefined) return { refusal: 'the event does not say who sent it' }
  if (repository === undefined) return { refusal: 'the event names no repository to have a permission on' }
  if (facts.self === true && originator === undefined) {
    return { refusal: 'Signalbox wrote it, and which of its jobs did is not known' }
  }
  const standings = [
    facts.self === true ? 'unknown' : senderStanding(allowed, facts, sender),
    originator === undefined || isSame(originator, sender) ? 'allowed' : originatorStanding(allowed, originator),
  ]
  const refusal = standings.find((each) => each !== 'allowed' && each !== 'unknown')
  if (refusal !== undefined) return { refusal }
  return { question: questionOf(allowed, event, { repository, sender, standings }) }
}

function questionOf(
  who: Who,
  event: MatchInput,
  { repository, sender, standings }: { repository: string; sender: string; standings: readonly string[] },
): Question | null {
  const { self, originator, isPullRequest, fromFork } = event.facts
  const [ofSender, ofOriginator] = standings
  const people = [
    ...(ofSender === 'unknown' && self !== true ? [sender] : []),
    ...(ofOriginator === 'unknown' && originator !== undefined ? [originator] : []),
  ]
  const refusesForks = isPullRequest === true && fromFork === undefined && !allowsFork(who, event)
  if (people.length === 0 && self !== true && !refusesForks) return null
  return {
    repository,
    people,
    ...(people.length > 0 && { permission: permissionOf(who), teams: who.teams }),
    ...(self === true && { ownAccount: sender }),
    ...(refusesForks && { refusesForks }),
  }
}

function senderStanding(who: Who, facts: Facts, sender: string): string {
  // A name is not enough: the type is the forge's own word.
  if (facts.senderType === 'Bot') {
    return includes(who.bots, sender) ? 'allowed' : `\`${sender}\` is a bot that who.bots does not name`
  }
  // What somebody is to the repository is known of who wrote the text only.
  const isTheirs = facts.textAuthor !== undefined && isSame(facts.textAuthor, sender)
  if (isTheirs && who.associations?.some((each) => each === facts.association)) return 'allowed'
  return userStanding(who, sender)
}

function originatorStanding(who: Who, originator: string): string {
  return includes(who.bots, originator) ? 'allowed' : userStanding(who, originator)
}

function userStanding(who: Who, user: string): string {
  if (includes(who.users, user)) return 'allowed'
  const canBeAsked = permissionOf(who) !== undefined || who.teams !== undefined
  return canBeAsked ? 'unknown' : `\`${user}\` is not one of those that who names`
}

function permissionOf({ permission, teams, associations, bots, users }: Who): Who['permission'] {
  const isAnyGiven = [permission, teams, associations, bots, users].some((each) => each !== undefined)
  return isAnyGiven ? permission : DEFAULT.permission
}

function forkRefusal(who: Who, event: MatchInput): string | null {
  if (event.facts.fromFork !== true || allowsFork(who, event)) return null
  return who.forks === 'after-approval'
    ? 'the pull request is from a fork, and nobody but its author has asked for it by a command or a label'
    : "the pull request is from a fork; who.forks: 'after-approval' or 'always' would allow it"
}

function allowsFork({ forks = 'never' }: Who, { type, facts }: MatchInput): boolean {
  if (forks !== 'after-approval') return forks === 'always'
  const isAsked = facts.command !== undefined || type.endsWith('.labeled')
  return isAsked && facts.sender !== undefined && facts.author !== undefined && !isSame(facts.sender, facts.author)
}

function includes(names: readonly string[] | undefined, name: string): boolean {
  return names?.some((each) => isSame(each, name)) ?? false
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

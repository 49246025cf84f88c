// What a deployment waits for before it begins: approval of exactly this commit and these programs,
// and the end of a freeze.

import type { Approval } from '../../jobs/approval.ts'
import { frozenAt } from './freeze.ts'
import type { ApprovalRule } from './options.ts'
import { programsOf } from './options.ts'
import { Refused } from './refused.ts'
import type { Deploying } from './run.ts'
import { scriptHash } from './script.ts'
import type { Sentence } from './text.ts'
import { comment, named, plain } from './text.ts'

// Some may not count, such as the second one of the same person.
const MAX_ANSWERS = 20

/** What was allowed; compared again before the program is run. */
export type Allowed = { scripts: string | null }

/**
 * Waits until it may begin. Going back waits for nothing: it is to what was allowed before.
 * @throws Waiting until then; Refused when it may not, after that has been said on the forge.
 */
export async function waitUntilAllowed(deploying: Deploying): Promise<Allowed> {
  const { about, environment, context } = deploying
  if (about.kind === 'rollback') return { scripts: null }
  const { approval, freeze = [], timeZone = 'UTC' } = environment
  const early = frozenAt(freeze, timeZone, context.now())
  if (early?.during === 'refuse') await refuse(deploying, frozenText(deploying, early))
  const scripts = approval === undefined ? null : await approved(deploying, approval)
  let at = context.now()
  for (let frozen = frozenAt(freeze, timeZone, at); frozen !== null; frozen = frozenAt(freeze, timeZone, at)) {
    const { during, until } = frozen
    const text = frozenText(deploying, frozen)
    if (during === 'refuse' || until === null) return refuse(deploying, text)
    const name = `frozen until ${until.toISOString()}`
    await say(deploying, name, `Waits until ${until.toISOString()}`, () => `Waits: ${text}`)
    await context.sleep(name, until)
    // Another window may have begun; the database's clock says that this one is over.
    at = new Date(Math.max(until.getTime(), context.now().getTime()))
  }
  if (approval !== undefined || freeze.length > 0) await requireSameVersion(deploying)
  return { scripts }
}

/** Asks until as many people as needed agree; returns the hash of what they agreed to. */
async function approved(deploying: Deploying, { who, count = 1, timeoutMs }: ApprovalRule): Promise<string> {
  const { about, context, actor } = deploying
  const scripts = await scriptHash(programsOf(deploying.environment))
  const what = `Deploy ${plain((as) => named(about, as))} of ${about.repository} to ${about.environment}`
  const people = new Set<string>()
  await say(deploying, 'asks for approval', 'Waits for approval', (as) => {
    const many = count === 1 ? 'approval' : `approval by ${count} people`
    return `Deploying ${named(about, as)} to ${about.environment} waits for ${many}: /approve or /reject`
  })
  for (let nth = 1; nth <= MAX_ANSWERS; nth++) {
    // Named after what it is for: another commit or another program is asked about anew.
    const name = `${about.sha.slice(0, 12)} by ${scripts.slice(0, 12)}, ${nth}`
    const options = {
      reason: `${what}, program ${scripts.slice(0, 12)}`,
      ...(timeoutMs !== undefined && { timeoutMs }),
    }
    const answer = await context.approval(name, who === undefined ? options : { ...options, who })
    if (!answer.approved) return refuse(deploying, answerText(answer))
    const by = answer.by?.toLowerCase() ?? `the API, ${nth}`
    if (by !== actor?.toLowerCase() || answer.how === 'api') people.add(by)
    else context.log(`${by} has asked for the deployment, so this approval does not count`)
    if (people.size >= count) return scripts
  }
  return refuse(deploying, `${MAX_ANSWERS} answers did not make ${count} people who agree`)
}

function answerText({ how, by, reason }: Approval): string {
  if (how === 'timeout') return 'nobody approved it in time'
  if (how === 'moved') return 'the pull request has another head now'
  const because = reason === null ? '' : `: ${reason}`
  return `it was rejected${by === null ? '' : ` by ${by}`}${because}`
}

function frozenText({ about }: Deploying, { until, reason }: { until: Date | null; reason: string | null }): string {
  const because = reason === null ? '' : ` (${reason})`
  const end = until === null ? '' : ` until ${until.toISOString().slice(0, 16)}Z`
  return `${about.environment} is frozen${end}${because}`
}

/** What was asked for by name may be another commit by now, which nobody has agreed to. */
async function requireSameVersion(deploying: Deploying): Promise<void> {
  const { about, again } = deploying
  const now = await again().catch((error: unknown) => {
    if (error instanceof Refused) return null
    throw error
  })
  if (now?.sha === about.sha) return
  await refuse(deploying, 'it is another commit now than when it was asked for: ask again')
}

/** Says what it waits for, where it is seen. */
async function say(deploying: Deploying, name: string, state: string, sentence: Sentence): Promise<void> {
  const { context, speak, at } = deploying
  const outputs = [speak('queued', state), ...comment(at, name, sentence)]
  await context.publish(name, outputs, { otherwise: [speak('inactive', 'Not deployed')] })
}

/** Ends it before it has begun. */
export async function refuse({ context, speak }: Deploying, reason: string): Promise<never> {
  const status = speak('inactive', `Not deployed: ${reason}`)
  await context.publish('not deployed', [status], { otherwise: [status] })
  throw new Refused(reason)
}

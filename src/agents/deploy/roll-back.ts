// After a failure: back to what was live, with a deployment of its own on the forge.
import { GiveUp } from '../../lib/error.ts'
import type { Output } from '../../publisher/output.ts'
import type { Past } from './history.ts'
import type { Deploying } from './run.ts'
import type { Sentence } from './text.ts'
import { comment, inactive, named, plain, speakerOf } from './text.ts'
import { tryProgram } from './trial.ts'

/**
 * Says that it failed, and goes back to what is live if the environment does that by itself.
 * @throws GiveUp always: the sentence that people read.
 */
export async function failAndGoBack(
  deploying: Deploying,
  { live, problem }: { live: Past | null; problem: string },
): Promise<never> {
  const { context, about, at, speak } = deploying
  const status = speak('failure', `Failed: ${problem}`)
  // Whatever becomes of the rest, it stays the last that is said of it.
  await context.publish('failed', [status], { otherwise: [status] })
  const after = about.kind === 'rollback' ? broken(deploying) : await goBack(deploying, live)
  const what = about.kind === 'rollback' ? 'Rollback to' : 'Deployment of'
  const sentence: Sentence = (as) =>
    `${what} ${named(about, as)} of ${as(about.repository)} to ${about.environment} failed: ${as(problem)}. ${after(as)}`
  await context.publish('outcome', comment(at, 'outcome', sentence))
  throw new GiveUp(plain(sentence))
}

function broken({ about }: Deploying): Sentence {
  return () => `NOT ROLLED BACK, so ${about.environment} may be broken: look at it now`
}

async function goBack(deploying: Deploying, live: Past | null): Promise<Sentence> {
  const { context, about, environment } = deploying
  if (environment.rollback === false) return () => `It was not rolled back, because ${about.environment} says so`
  if (live === null) return () => 'There is nothing to roll back to'
  const to = { ...about, sha: live.sha, version: live.version, kind: 'rollback' } as const
  const { production } = environment
  const speak = speakerOf(to, 'rollback', { logUrl: deploying.logUrl, production })
  const begun = [speak('in_progress', `Goes back from ${plain((as) => named(about, as))}`)]
  await context.publish('rolling back', begun, { otherwise: [speak('error', 'Ended half-way')] })
  const argv = environment.rollback ?? environment.run
  const { problem, ...trial } = await tryProgram(deploying, 'rollback', argv, {
    about: to,
    previous: live,
    failed: about,
  })
  if (problem !== null) {
    const status = speak('failure', `Failed: ${problem}`)
    await context.publish('not rolled back', [status], { otherwise: [status] })
    return (as) => `The rollback to ${named(live, as)} FAILED too: ${as(problem)}. ${broken(deploying)(as)}`
  }
  const url = 'url' in trial && trial.url !== undefined ? trial.url : environment.url
  const success: Output = speak('success', 'Rolled back after a failure', { url })
  const outputs = [inactive(about.repository, live.id, 'Deployed again after a failure'), success]
  await context.publish('rolled back', outputs, { otherwise: [success] })
  return (as) => `Rolled back to ${named(live, as)}`
}

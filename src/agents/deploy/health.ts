// Asks whether what was deployed works: an address of the configuration, or a program.
import { setTimeout as pause } from 'node:timers/promises'
import { errorText } from '../../lib/error.ts'
import type { HealthCheck } from './options.ts'
import type { ScriptEnd } from './script.ts'

const ATTEMPTS = 10
const EVERY_MS = 3000
const ANSWER_MS = 10_000

/**
 * Asks again and again until the answer is yes; null then, else the last answer as a part of a
 * sentence. The job keeps its group in the pauses, so that nothing else is deployed meanwhile.
 */
export async function healthProblem(
  check: HealthCheck,
  {
    run,
    log,
    signal,
  }: {
    run(argv: Extract<HealthCheck, { run: unknown }>['run']): Promise<ScriptEnd>
    log(line: string): void
    signal: AbortSignal
  },
): Promise<string | null> {
  const { attempts = ATTEMPTS, everyMs = EVERY_MS } = check
  let problem: string | null = null
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (attempt > 1) await pause(everyMs, undefined, { signal })
    problem = 'url' in check ? await addressProblem(check.url, signal) : (await run(check.run)).problem
    log(`health check ${attempt} of ${attempts}: ${problem ?? 'passed'}`)
    if (problem === null) return null
  }
  return problem
}

/** A redirect is no answer: it may lead anywhere. */
async function addressProblem(url: string, signal: AbortSignal): Promise<string | null> {
  const timeUp = AbortSignal.timeout(ANSWER_MS)
  try {
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.any([signal, timeUp]) })
    await answer.body?.cancel()
    return answer.ok ? null : `the answer was ${answer.status}`
  } catch (error) {
    signal.throwIfAborted()
    if (timeUp.aborted) return `there was no answer within ${ANSWER_MS / 1000} s`
    const { cause } = error as { cause?: unknown }
    return `there was no answer: ${errorText(cause ?? error)}`
  }
}

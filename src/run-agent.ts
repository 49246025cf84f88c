// One run of an agent without a service: no job is stored, and nothing is written to a forge.
import type { Agent, AgentContext } from './agents/agent.ts'
import type { Event } from './events/event.ts'
import type { Facts } from './events/facts.ts'
import { eventPayload } from './events/payload.ts'
import type { Review } from './findings/finding.ts'
import type { GivenFindings } from './findings/given.ts'
import { givenLedger } from './findings/given.ts'
import type { ReadForge } from './forges/forge.ts'
import type { Approval } from './jobs/approval.ts'
import { readReturned } from './jobs/returned.ts'
import { triggerOf } from './jobs/trigger.ts'
import type { AwaitedEvent } from './jobs/waits.ts'
import { parseInput } from './lib/agent-input.ts'
import { GiveUp, Waiting } from './lib/error.ts'
import type { Model, ModelState } from './models/model.ts'
import { modelOf } from './models/model.ts'
import { accepting } from './publisher/accept.ts'
import type { Output, Receipt } from './publisher/output.ts'
import type { Policy } from './publisher/policy.ts'
import { policyOf } from './rules/job-policy.ts'
import type { InstalledRule } from './rules/rule.ts'
import { redactor } from './untrusted/redact.ts'
import { valueFinder } from './untrusted/value-finder.ts'
import type { Workspaces } from './workspaces/workspace.ts'
import { openWorkspaces } from './workspaces/workspace.ts'

/** What a run has in place of a service. */
export type RunGiven = {
  event: Event | null
  input: unknown
  forge: ReadForge | null
  /** What its rule says about writing; a rule that says nothing allows what is the default. */
  rule?: Omit<InstalledRule, 'name' | 'on' | 'agent'> | undefined
  /** Values that no output may have, and which become `[redacted]` elsewhere. */
  secrets?: readonly string[] | undefined
  /** What checks repositories out into the folders of the run. */
  checkoutInto(workspaces: Workspaces, given: { facts: Facts; policy: Policy }): AgentContext<unknown>['checkout']
  /** Which model it has. */
  model: ModelState
  /** What calls it. */
  answer: Model['answer']
  log: AgentContext<unknown>['log']
  signal: AbortSignal
  job?: Partial<AgentContext<unknown>['job']> | undefined
  /** Finished steps of an attempt before, by name. */
  steps?: Readonly<Record<string, unknown>> | undefined
  /** Those of the job that this one supersedes. */
  inherited?: Readonly<Record<string, unknown>> | undefined
  /** What comes of the waits, by name: the event of `waitFor`, or what an approval came to. */
  waits?: Readonly<Record<string, unknown>> | undefined
  /** What comes of what it publishes before it returns, by name. Default: null for each output. */
  receipts?: Readonly<Record<string, readonly (Receipt | null)[]>> | undefined
  /** What reviews before have left; nothing by default. */
  findings?: GivenFindings | undefined
  now?: (() => Date) | undefined
}

/** Outputs that were published under a name, and those for an end without completing. */
export type PublishedEarly = { name: string; outputs: readonly Output[]; otherwise: readonly Output[] }

/** What came of it. */
export type AgentRun = {
  /** As they would be stored: checked, and without secrets. */
  outputs: readonly Output[]
  /** Those that it published before it returned, in their order. */
  early: readonly PublishedEarly[]
  result: unknown
  /** What its steps returned, by name. */
  steps: Record<string, unknown>
  /** What its review left; null when it made none. */
  findings: Review | null
}

/**
 * Runs an agent once, as the service would.
 * @throws what the agent throws; GiveUp when its input or what it returned is not valid, or policy
 * refuses an output; Skipped when a fork was pushed to after the comment that asks for the job.
 */
export async function runAgent(agent: Agent, given: RunGiven): Promise<AgentRun> {
  const { forge, answer, log, secrets = [], now = () => new Date() } = given
  const over = new AbortController()
  const signal = AbortSignal.any([given.signal, over.signal])
  const workspaces = openWorkspaces(signal)
  const steps = new Map(Object.entries(given.steps ?? {}))
  const inherited = new Map(Object.entries(given.inherited ?? {}))
  const step = stepOf(steps)
  const wait = waitOf(given.waits ?? {})
  try {
    const input = await parseInput(agent, given.input)
    // Whoever runs it here may.
    const event = await triggerOf({ forge, payloadOf: eventPayload }, { who: null }, { event: given.event, step })
    const facts = event?.facts ?? {}
    const policy = policyOf(given.rule ?? {}, facts)
    const accept = accepting(valueFinder(secrets))
    const early: PublishedEarly[] = []
    const stored = () => early.flatMap(({ outputs }) => outputs)
    const returned = await agent.run({
      job: { id: 'local', type: agent.name, rule: 'local', attempt: 1, ...given.job },
      input,
      event,
      payload: event === null ? undefined : eventPayload(event),
      step,
      model: modelOf({ step, answer, ...given.model }),
      // Nobody waits here.
      sleep: async () => {},
      waitFor: (name) => wait<AwaitedEvent | null>(name),
      approval: (name) => wait<Approval>(name),
      publish: async (name, outputs, { otherwise = [] } = {}) => {
        if (early.some((one) => one.name === name))
          throw new GiveUp(`The agent publishes twice under the name "${name}"; names are unique within a job.`)
        const accepted = accept(outputs, policy, stored())
        early.push({ name, outputs: accepted, otherwise: accept(otherwise, policy, [...stored(), ...accepted]) })
        return [...(given.receipts?.[name] ?? accepted.map(() => null))]
      },
      inherited: async (name) => inherited.get(name),
      workspace: workspaces.make,
      checkout: given.checkoutInto(workspaces, { facts, policy }),
      findings: givenLedger(given.findings),
      forge,
      log,
      signal,
      now,
    })
    signal.throwIfAborted()
    const { result, unchecked, findings } = readReturned(returned, redactor([], secrets))
    const outputs = accept(unchecked, policy, stored())
    return { outputs, early, result, steps: Object.fromEntries(steps), findings }
  } finally {
    over.abort(new Error('The attempt has ended.'))
    await workspaces.remove()
  }
}

function waitOf(waits: Readonly<Record<string, unknown>>) {
  return async <T>(name: string): Promise<T> => {
    if (Object.hasOwn(waits, name)) return waits[name] as T
    throw new Waiting(`The agent waits for "${name}".`)
  }
}

/** Steps that are remembered in `finished`, as JSON would. */
function stepOf(finished: Map<string, unknown>): AgentContext<unknown>['step'] {
  const begun = new Set<string>()
  return async <T>(name: string, fn: () => Promise<T> | T): Promise<T> => {
    if (begun.has(name)) throw new GiveUp(`The agent has two steps named "${name}"; names are unique within a job.`)
    begun.add(name)
    try {
      if (!finished.has(name)) {
        const json = JSON.stringify(await fn()) as string | undefined
        finished.set(name, json === undefined ? undefined : JSON.parse(json))
      }
    } catch (error) {
      begun.delete(name)
      throw error
    }
    return finished.get(name) as T
  }
}

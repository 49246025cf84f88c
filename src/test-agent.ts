// Runs an agent in a unit test: with an event, repositories in memory and a scripted model.
import type { Agent } from './agents/agent.ts'
import type { Event } from './events/event.ts'
import type { Json } from './lib/json.ts'
import { fieldsOf, lineText } from './lib/log-line.ts'
import type { ModelAnswer, ModelRequest } from './models/request.ts'
import { NO_MODEL } from './models/target.ts'
import type { Rule } from './rules/rule.ts'
import type { AgentRun, RunGiven } from './run-agent.ts'
import type { TestRepositories } from './test-forge.ts'

/** An answer of the scripted model: a text, a value as JSON, or all that an answer has. */
export type TestAnswer = string | { json: Json } | (Partial<ModelAnswer> & { text: string })

/** What the run gets as it is. */
type Remembered = 'job' | 'steps' | 'inherited' | 'waits' | 'receipts' | 'findings'

/** What an agent is run with; what is left out is empty. */
export type TestAgentOptions = Partial<Pick<RunGiven, Remembered>> & {
  input?: unknown
  /** `type` and `facts` at least, as a rule would see them. */
  event?: Partial<Event>
  /** What the event says. */
  payload?: Json
  repositories?: TestRepositories
  /** What the model answers, in order, or a function of what it is asked. */
  model?: readonly TestAnswer[] | ((request: ModelRequest) => TestAnswer)
  /**
   * What the rule says about writing. Default: a rule that says nothing, which may write the usual
   * kinds to the event's own repository.
   */
  rule?: Pick<Rule, 'outputs' | 'repositories'>
  now?: Date
  signal?: AbortSignal
}

/** What came of it. */
export type TestedAgent = AgentRun & {
  /** The lines of the job's log, with fields as `key=value`. */
  log: string[]
  /** What the model was asked, in order. */
  asked: ModelRequest[]
}

/**
 * Runs an agent once and returns what it would have written. Nothing is stored or sent.
 * @throws what the agent throws; GiveUp when its input or what it returned is not valid, or the
 * rule does not allow an output; Error when it asks the model more than `model` answers.
 */
export async function testAgent(agent: Agent, options: TestAgentOptions = {}): Promise<TestedAgent> {
  const { event, payload, input = {}, repositories, model, rule, now = new Date(), signal, ...remembered } = options
  const log: string[] = []
  const asked: ModelRequest[] = []
  const script = Array.isArray(model) ? [...model] : []
  const answer = async (request: ModelRequest): Promise<ModelAnswer> => {
    asked.push(request)
    const next = typeof model === 'function' ? model(request) : script.shift()
    if (next === undefined)
      throw new Error(`The test has no answer for the question "${request.name ?? asked.length}".`)
    return answerOf(next)
  }
  // Loaded here, because every agent's process loads this file with `signalbox`.
  const { runAgent } = await import('./run-agent.ts')
  const { testCheckout, testForge } = await import('./test-forge.ts')
  const run = await runAgent(agent, {
    ...remembered,
    event: eventOf(event, payload, now),
    input,
    forge: repositories === undefined ? null : testForge(repositories),
    model: model === undefined ? { name: 'none', problem: NO_MODEL } : { name: 'test/model', problem: null },
    answer,
    log: (line, given) => void log.push(lineText(line, fieldsOf(given))),
    signal: signal ?? new AbortController().signal,
    rule: { home: agent.repositories ?? [], ...rule },
    checkoutInto: (workspaces, { facts }) => testCheckout(repositories ?? {}, workspaces, facts),
    now: () => now,
  })
  return { ...run, log, asked }
}

function answerOf(given: TestAnswer): ModelAnswer {
  const plain = { finish: 'stop' as const, model: 'test/model', inputTokens: 0, outputTokens: 0, usd: null, tookMs: 0 }
  if (typeof given === 'string') return { ...plain, text: given }
  return 'json' in given ? { ...plain, text: JSON.stringify(given.json) } : { ...plain, ...given }
}

function eventOf(event: Partial<Event> | undefined, payload: Json | undefined, now: Date): Event | null {
  if (event === undefined && payload === undefined) return null
  const facts = event?.facts ?? {}
  return {
    id: '00000000-0000-7000-8000-000000000001',
    source: 'test',
    deliveryId: 'test',
    type: 'test',
    status: 'routed',
    reason: null,
    subject: facts.repository ?? null,
    actor: facts.author ?? null,
    facts,
    body: payload === undefined ? null : Buffer.from(JSON.stringify(payload)),
    payload: null,
    contentType: 'application/json',
    headers: {},
    depth: 0,
    receivedAt: now,
    ...event,
  }
}

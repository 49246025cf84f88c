// `signalbox agents run`: one run of an agent here, without a server; nothing is written.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { SignalboxError } from '@signalbox/sdk/client'
import { openAgentProcesses } from '../config/agent-processes.ts'
import type { Installation } from '../config/configure.ts'
import { configure } from '../config/configure.ts'
import { isolateAll, unisolatedWarning } from '../config/isolation.ts'
import { mirrorsOf } from '../config/mirrors.ts'
import { ownSecrets } from '../config/own-secrets.ts'
import type { Event } from '../events/event.ts'
import { readOnly } from '../forges/read-only.ts'
import { AppError, errorText, GiveUp, RetryAt, Skipped, Waiting } from '../lib/error.ts'
import type { JsonObject } from '../lib/json.ts'
import { isObject } from '../lib/json.ts'
import type { LogFields } from '../lib/log-line.ts'
import { fieldsOf, lineText } from '../lib/log-line.ts'
import { stateOf } from '../models/models.ts'
import type { ModelAnswer, ModelRequest } from '../models/request.ts'
import { givenArguments } from '../rules/given-command.ts'
import { DEFAULT_TIME_LIMIT_MS, manualInput } from '../rules/jobs.ts'
import type { InstalledRule } from '../rules/rule.ts'
import type { AgentRun } from '../run-agent.ts'
import { runAgent } from '../run-agent.ts'
import type { Redactor } from '../untrusted/redact.ts'
import { redactor } from '../untrusted/redact.ts'
import { checkoutOf } from '../workspaces/checkout.ts'
import type { RunOptions } from './agents.ts'
import { clientOf } from './api-client.ts'
import { loadSettings } from './config-file.ts'
import { quietLog } from './environment.ts'
import { eventIn } from './event-file.ts'
import { CliError } from './failure.ts'
import { parseJson, readJsonFile } from './json-file.ts'
import { tokensText, usdText } from './model-text.ts'
import type { Cli } from './terminal.ts'
import { plain } from './text.ts'

/** Runs an agent once, and prints what it returned. */
export async function runHere(cli: Cli, name: string, options: RunOptions): Promise<void> {
  const { environment, config, path } = await loadSettings(cli, options)
  const ownLog = quietLog(environment)
  const installation = configure(environment, config, ownLog)
  const { agents, models, forges } = installation
  const mirrors = mirrorsOf(environment, installation, ownLog)
  const unisolated = await isolateAll({
    environment,
    configPath: path,
    folder: cli.folder,
    agents: [...agents.values()].filter((agent) => agent.name === name),
  })
  const warning = unisolatedWarning(unisolated)
  if (warning !== null) cli.err(`signalbox: ${plain(warning)}\n`)
  const rule = ruleOf(installation, name, options.rule)
  const model = rule?.model ?? agents.get(name)?.model
  const answers: ModelAnswer[] = []
  const { keyNames } = models
  // In a child process, as in the service: the agent has no key here either.
  const processes = openAgentProcesses({ environment, config, configPath: path, agents, keyNames, log: ownLog })
  const known = ownSecrets(environment, installation)
  const secrets = redactor([], known)
  const lines: string[] = []
  const log = (text: string, given?: unknown) => {
    const line = lineText(secrets.text(text), secrets.value(fieldsOf(given)) as LogFields | null)
    lines.push(line)
    cli.err(`${plain(line)}\n`)
  }
  try {
    const agent = processes.agents.get(name)
    if (agent === undefined) throw unknownAgent(name, agents.keys())
    const event = await eventOf(cli, options)
    const signal = AbortSignal.timeout(rule?.timeLimitMs ?? DEFAULT_TIME_LIMIT_MS)
    const ran = await runAgent(agent, {
      event,
      input: inputOf(rule, event, options.payload),
      forge: readOnly(forges),
      rule,
      secrets: known,
      checkoutInto: (workspaces, given) => checkoutOf({ ...given, mirrors, workspaces, signal, log }),
      model: stateOf(models, model),
      answer: async (request: ModelRequest) => {
        const answer = await models.call(model, request, signal)
        answers.push(answer)
        return answer
      },
      log,
      signal,
      job: { rule: rule?.name ?? 'local', type: rule?.jobType ?? name },
    })
    print(cli, shown(ran, { answers, lines }))
  } catch (error) {
    throw failureOf(cli, error, secrets)
  } finally {
    await processes.close()
  }
}

type Shown = ReturnType<typeof shown>

/** What is printed of a run, as the service would store it. */
function shown(
  { outputs, early, result, steps }: AgentRun,
  { answers, lines }: { answers: readonly ModelAnswer[]; lines: string[] },
) {
  const prices = answers.flatMap(({ usd }) => usd ?? [])
  return {
    written: false,
    early,
    outputs,
    result: result ?? null,
    steps: Object.keys(steps),
    usage: {
      calls: answers.length,
      input_tokens: answers.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
      output_tokens: answers.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
      usd: prices.length === 0 ? null : prices.reduce((sum, usd) => sum + usd, 0),
    },
    log: lines,
  }
}

function print(cli: Cli, ran: Shown): void {
  cli.print(ran, () => {
    const { early, outputs, result, usage } = ran
    const used = [`${tokensText(usage)} tokens`, usdText(usage.usd)].filter(Boolean).join(', ')
    return [
      ...early.flatMap(({ name, ...published }) => [
        `It published this as "${plain(name)}" before it returned, and nothing was written:`,
        plain(JSON.stringify(published, null, 2)),
      ]),
      outputs.length === 0 ? 'It returned no outputs.' : 'It returned these outputs, and nothing was written:',
      ...outputs.map((output) => plain(JSON.stringify(output, null, 2))),
      ...(result === null ? [] : ['', `Result: ${plain(JSON.stringify(result, null, 2))}`]),
      ...(usage.calls === 0 ? [] : ['', `Model: ${used}`]),
    ].join('\n')
  })
}

/** What an agent threw, as a failure of the command; the stack is for whoever mends it. */
function failureOf(cli: Cli, error: unknown, secrets: Redactor): unknown {
  if (error instanceof CliError || error instanceof AppError || error instanceof SignalboxError) return error
  const isExpected = [GiveUp, RetryAt, Skipped, Waiting].some((expected) => error instanceof expected)
  if (!isExpected && error instanceof Error) cli.err(`${plain(secrets.text(error.stack ?? ''))}\n`)
  const hint = `Nothing was written. In the service the job would ${fateOf(error)}.`
  return new CliError('agent_failed', secrets.text(errorText(error)), hint, { cause: error })
}

function fateOf(error: unknown): string {
  if (error instanceof GiveUp) return 'fail'
  if (error instanceof Skipped) return 'be cancelled'
  return error instanceof Waiting ? 'wait' : 'be tried again'
}

function unknownAgent(name: string, known: Iterable<string>): CliError {
  return new CliError('agent_unknown', `There is no agent "${name}".`, `There are: ${[...known].sort().join(', ')}.`)
}

function ruleOf({ rules }: Installation, agent: string, name: string | undefined): InstalledRule | undefined {
  const ofAgent = rules.filter((rule) => rule.agent === agent)
  const found = name === undefined ? ofAgent[0] : ofAgent.find((rule) => rule.name === name)
  if (found !== undefined || name === undefined) return found
  const names = ofAgent.map((rule) => rule.name).join(', ') || 'none'
  throw new CliError('rule_unknown', `The agent "${agent}" has no rule "${name}".`, `Its rules: ${names}.`)
}

/** What the service makes of an event's command, the rule, and what a trigger by hand adds. */
function inputOf(rule: InstalledRule | undefined, event: Event | null, payload: string | undefined): unknown {
  const given = payload === undefined ? undefined : parseJson(payload, '--payload')
  if (rule === undefined || event === null) return manualInput(rule, given)
  const words = givenArguments(rule, event)
  return manualInput(rule, isObject(given) ? { ...words, ...given } : (given ?? words))
}

// A whole id, or a part of one; the server says what it means.
const IS_ID = /^[0-9a-f-]{6,36}$/i

async function eventOf(cli: Cli, { event, githubEvent, server }: RunOptions): Promise<Event | null> {
  if (event === undefined) return null
  if (!IS_ID.test(event) || existsSync(resolve(cli.folder, event))) {
    const given = (await readJsonFile(cli, event)) as JsonObject
    const read = eventIn(given, event, { githubEvent })
    const isStored = typeof given.type === 'string' && isObject(given.facts)
    return eventWith({ ...read, subject: read.facts.repository ?? null }, isStored ? given.payload : given)
  }
  const { payload, ...found } = await clientOf(cli, { server }).events.get(event)
  return eventWith({ ...found, facts: found.facts as Event['facts'] }, payload)
}

type Known = Pick<Event, 'type' | 'source' | 'facts' | 'subject'> & {
  id?: string
  actor?: string | null
  received_at?: string
}

function eventWith(
  { id = 'local', type, source, facts, subject, actor, received_at: at }: Known,
  payload: unknown,
): Event {
  return {
    id,
    source,
    deliveryId: id,
    type,
    status: 'routed',
    reason: null,
    subject,
    actor: actor ?? facts.author ?? null,
    facts,
    body: Buffer.from(JSON.stringify(payload ?? null)),
    payload: null,
    contentType: 'application/json',
    headers: {},
    depth: 0,
    receivedAt: at === undefined ? new Date() : new Date(at),
  }
}

// One attempt in a child process: the context of its agent, of which the service does the work.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Ledger } from '../../findings/finding.ts'
import { readForge } from '../../forges/read-only.ts'
import type { Approval } from '../../jobs/approval.ts'
import type { AwaitedEvent } from '../../jobs/waits.ts'
import { fieldsJson } from '../../lib/log-line.ts'
import type { Used } from '../../models/budget.ts'
import { modelOf } from '../../models/model.ts'
import type { ModelAnswer, ModelRequest } from '../../models/request.ts'
import type { Receipt } from '../../publisher/output.ts'
import type { CheckedOut } from '../../workspaces/checkout.ts'
import type { AgentContext } from '../agent.ts'
import type { Calls } from './calls.ts'
import type { JsonText, Start } from './messages.ts'
import { LEDGER_METHODS, toJsonText } from './messages.ts'
import type { Output } from './output.ts'

/** An attempt under way. */
export type Attempt = {
  context: Omit<AgentContext<unknown>, 'input' | 'payload'>
  abort(reason: unknown): void
  /** Runs what the agent gave to `step`, once the service knows that it has not run before. */
  runStep(id: number): Promise<JsonText>
  /** Whatever the agent left can do nothing more. */
  end(): void
}

/** Opens an attempt. */
export function openAttempt(calls: Calls, output: Output, { job, event, hasForge, model }: Start): Attempt {
  const stop = new AbortController()
  const steps = new Map<number, () => unknown>()
  let isOver = false
  let lastStep = 0

  const ask = async (name: string, ...args: unknown[]): Promise<unknown> => {
    if (isOver) throw new Error('The attempt has ended.')
    return calls.call(name, ...args)
  }
  const step = async <T>(name: string, fn: () => Promise<T> | T): Promise<T> => {
    const id = ++lastStep
    // It is called from a message, and must see the agent's asynchronous context all the same.
    steps.set(id, AsyncLocalStorage.bind(fn))
    return ask('step', id, name).finally(() => steps.delete(id)) as Promise<T>
  }
  const answer = (request: ModelRequest) => ask('model', request) as Promise<ModelAnswer>
  const findings = LEDGER_METHODS.map((method) => [method, (...args: unknown[]) => ask('findings', method, args)])
  const used = () => ask('modelUsed') as Promise<Used>
  return {
    context: {
      job,
      event,
      step,
      model: modelOf({ step, answer, used, ...model }),
      sleep: (name, until) => ask('sleep', name, until) as Promise<void>,
      waitFor: (name, options) => ask('waitFor', name, options) as Promise<AwaitedEvent | null>,
      approval: (name, options) => ask('approval', name, options) as Promise<Approval>,
      publish: (name, outputs, options) => ask('publish', name, outputs, options) as Promise<(Receipt | null)[]>,
      inherited: (name) => ask('inherited', name),
      workspace: () => ask('workspace') as Promise<string>,
      checkout: (options) => ask('checkout', options) as Promise<CheckedOut>,
      findings: Object.fromEntries(findings) as Ledger,
      forge: hasForge ? readForge((method, args) => ask('forge', method, args)) : null,
      log: (line, given) => {
        if (!isOver) output.log(String(line), typeof given === 'string' ? given : undefined, fieldsJson(given))
      },
      signal: stop.signal,
      now: () => new Date(),
    },
    abort: (reason) => stop.abort(reason),
    runStep: async (id) => toJsonText(await steps.get(id)?.()),
    end() {
      isOver = true
    },
  }
}

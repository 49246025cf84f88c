// The child processes of a service: started when an attempt needs one, kept for the next, ended
// when they are idle.
import type { AgentContext, AgentResult } from '../agent.ts'
import type { AgentProcess, AgentProcessOptions } from './agent-process.ts'
import { startAgentProcess } from './agent-process.ts'

export type PoolOptions = AgentProcessOptions & {
  /** How many there may be: as many as there are attempts at once. */
  max: number
  /** How long a child is kept for the next attempt. Default one minute. */
  idleMs?: number
}

/** The child processes. */
export type Pool = {
  /**
   * Makes one attempt, in a child that has nothing else to do and has run only this agent for jobs
   * of this rule: what an attempt left in its globals must not act under another policy.
   */
  run(agent: string, context: AgentContext<unknown>): Promise<AgentResult>
  /** Ends them all, also those that run an attempt. */
  close(): Promise<void>
}

const IDLE_MS = 60_000

/** Opens a pool; nothing is started yet. */
export function openPool(options: PoolOptions): Pool {
  const { idleMs = IDLE_MS, max } = options
  const all = new Set<AgentProcess>()
  const idle = new Map<AgentProcess, { use: string; timer: NodeJS.Timeout }>()

  const start = (): AgentProcess => {
    const child = startAgentProcess(options)
    all.add(child)
    void child.ended.then(() => {
      all.delete(child)
      take(child)
    })
    return child
  }
  const take = (child: AgentProcess): AgentProcess => {
    clearTimeout(idle.get(child)?.timer)
    idle.delete(child)
    return child
  }
  const takeIdle = (use: string): AgentProcess | undefined => {
    // The last one, so that those a busy time has left over end.
    const found = [...idle].findLast(([child, last]) => last.use === use && child.isReusable())
    return found && take(found[0])
  }
  /** Ends the one that has been idle for longest, where a new one would be too many. */
  const makeSpace = (): void => {
    const [oldest] = idle.keys()
    if (all.size >= max && oldest !== undefined) take(oldest).end()
  }
  return {
    async run(agent, context) {
      context.signal.throwIfAborted()
      const { rule, type } = context.job
      // All jobs made by hand have one rule; their policy is that of the rule their type names.
      const use = JSON.stringify([agent, rule, type])
      let child = takeIdle(use)
      if (child === undefined) {
        makeSpace()
        child = start()
      }
      try {
        return await child.run(agent, context)
      } finally {
        if (child.isReusable()) idle.set(child, { use, timer: setTimeout(child.end, idleMs).unref() })
        else child.end()
      }
    },
    async close() {
      const children = [...all]
      for (const child of children) child.end()
      await Promise.all(children.map(({ ended }) => ended))
    },
  }
}

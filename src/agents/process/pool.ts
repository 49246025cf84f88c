// The child processes of a service: started when an attempt needs one, kept for the next, ended
// when they are idle.
import type { AgentContext, AgentResult } from '../agent.ts'
import type { AgentProcess, AgentProcessOptions } from './agent-process.ts'
import { startAgentProcess } from './agent-process.ts'

export type PoolOptions = AgentProcessOptions & {
  /** How long a child is kept for the next attempt. Default one minute. */
  idleMs?: number
}

/** The child processes: never more than there are attempts at once. */
export type Pool = {
  /** Makes one attempt, in a child that has nothing else to do. */
  run(agent: string, context: AgentContext<unknown>): Promise<AgentResult>
  /** Ends them all, also those that run an attempt. */
  close(): Promise<void>
}

const IDLE_MS = 60_000

/** Opens a pool; nothing is started yet. */
export function openPool(options: PoolOptions): Pool {
  const { idleMs = IDLE_MS } = options
  const all = new Set<AgentProcess>()
  const idle = new Map<AgentProcess, NodeJS.Timeout>()

  const start = (): AgentProcess => {
    const child = startAgentProcess(options)
    all.add(child)
    void child.ended.then(() => {
      all.delete(child)
      clearTimeout(idle.get(child))
      idle.delete(child)
    })
    return child
  }
  const takeIdle = (): AgentProcess | undefined => {
    // The last one, so that those a busy time has left over end.
    const child = [...idle.keys()].findLast((one) => one.isReusable())
    if (child === undefined) return undefined
    clearTimeout(idle.get(child))
    idle.delete(child)
    return child
  }
  return {
    async run(agent, context) {
      context.signal.throwIfAborted()
      const child = takeIdle() ?? start()
      try {
        return await child.run(agent, context)
      } finally {
        if (child.isReusable()) idle.set(child, setTimeout(child.end, idleMs).unref())
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

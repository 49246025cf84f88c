// What every queue is asked to do here.

/** A queue of no-op jobs. A job carries one text, which its handler is given. */
export type Engine = {
  /** Makes one job; resolves when it is durable. */
  enqueue(text: string): Promise<unknown>
  /** Makes many at once, the fastest way there is. */
  enqueueMany(count: number): Promise<unknown>
  /** Begins to work, and calls `handle` as each job's handler is entered. */
  work(handle: (text: string) => void): Promise<unknown>
  /** Jobs that are not done. */
  remaining(): Promise<number>
  /** Forgets all jobs. */
  clear(): Promise<unknown>
  close(): Promise<unknown>
}

/** Opens an engine over an empty database; `variant` is how it is set up. */
export type OpenEngine = (url: string, variant: string) => Promise<Engine>

/** How many jobs are in hand at once where it can be set. */
export const SLOTS = 200

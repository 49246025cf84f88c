// What every queue is asked to do here.

/** A queue of no-op jobs. A job carries one text, which is passed to its handler. */
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

/** Where an engine runs and how: `root` is the checkout whose Signalbox is meant. */
export type EngineOptions = { url: string; variant: string; root: string }

/** Opens an engine over an empty database. */
export type OpenEngine = (options: EngineOptions) => Promise<Engine>

/** How many jobs run at once where it can be set. */
export const SLOTS = 200

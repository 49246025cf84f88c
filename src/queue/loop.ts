// Runs a worker's loop one pass at a time; nudges during a pass start one more.
import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Makes passes from `start` to `stop`. `claimNow` says that something may be claimable; without it
 * a pass only looks when there will be.
 */
export class Loop {
  readonly #pass: (claimNow: boolean) => Promise<void>
  #next: 'none' | 'look' | 'claim' = 'none'
  #state: 'stopped' | 'idle' | 'passing' = 'stopped'
  #timer: NodeJS.Timeout | undefined

  /** `pass` must not throw. */
  constructor(pass: (claimNow: boolean) => Promise<void>) {
    this.#pass = pass
  }

  start(): void {
    this.#state = 'idle'
    this.nudge(false)
  }

  stop(): void {
    this.#state = 'stopped'
    clearTimeout(this.#timer)
  }

  nudge(claimNow: boolean): void {
    if (this.#next !== 'claim') this.#next = claimNow ? 'claim' : 'look'
    if (this.#state === 'idle') void this.#run()
  }

  /** Replaces the timer set before. */
  nudgeIn(ms: number, claimNow = false): void {
    clearTimeout(this.#timer)
    if (this.#state !== 'stopped') this.#timer = setTimeout(() => this.nudge(claimNow), Math.ceil(ms))
  }

  async #run(): Promise<void> {
    this.#state = 'passing'
    while (this.#next !== 'none' && this.#state === 'passing') {
      // What ends or arrives in the same moment is settled and claimed together.
      await nextTurn()
      const claimNow = this.#next === 'claim'
      this.#next = 'none'
      await this.#pass(claimNow)
    }
    if (this.#state === 'passing') this.#state = 'idle'
  }
}

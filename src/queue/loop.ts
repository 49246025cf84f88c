// When a worker acts: one turn at a time, whatever wakes it meanwhile gathered into the next.
import { setImmediate as nextLoop } from 'node:timers/promises'

/**
 * Takes turns from `start` to `stop`. `hurry` says that something may be claimable now; without it
 * a turn just looks.
 */
export class Turns {
  readonly #take: (hurry: boolean) => Promise<void>
  #wanted: 'no' | 'look' | 'hurry' = 'no'
  #state: 'stopped' | 'resting' | 'turning' = 'stopped'
  #timer: NodeJS.Timeout | undefined

  /** `take` must not throw. */
  constructor(take: (hurry: boolean) => Promise<void>) {
    this.#take = take
  }

  start(): void {
    this.#state = 'resting'
    this.wake(false)
  }

  stop(): void {
    this.#state = 'stopped'
    clearTimeout(this.#timer)
  }

  wake(hurry: boolean): void {
    if (this.#wanted !== 'hurry') this.#wanted = hurry ? 'hurry' : 'look'
    if (this.#state === 'resting') void this.#turn()
  }

  /** Replaces the timer set before. */
  wakeIn(ms: number, hurry = false): void {
    clearTimeout(this.#timer)
    if (this.#state !== 'stopped') this.#timer = setTimeout(() => this.wake(hurry), Math.ceil(ms))
  }

  async #turn(): Promise<void> {
    this.#state = 'turning'
    while (this.#wanted !== 'no' && this.#state === 'turning') {
      // What ends or arrives in the same moment is settled and claimed together.
      await nextLoop()
      const hurry = this.#wanted === 'hurry'
      this.#wanted = 'no'
      await this.#take(hurry)
    }
    if (this.#state === 'turning') this.#state = 'resting'
  }
}

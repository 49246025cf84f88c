// LISTEN and NOTIFY: a notification only says "look now", because any of them may be lost.
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { backoffMs } from '../lib/backoff.ts'
import { errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { connectionConfig } from './connection.ts'
import type { Database } from './database.ts'

const SELF_TEST_CHANNEL = 'signalbox_self_test'
// One late notification does not mean a pooler: the server may be busy.
const LATE_TESTS = 3
const NOT_ARRIVING =
  'Notifications do not arrive: the connection probably goes through a transaction pooler. ' +
  'Use a direct or session-mode connection, so that work starts at once.'

/** Whether notifications arrive, and if not, why; `doctor` prints it. */
export type ListenerStatus = { mode: 'listening' } | { mode: 'polling'; reason: string }

/** A LISTEN that stays open. While it is not `live`, its users have to poll. */
export type Listener = { readonly live: boolean; status(): ListenerStatus; close(): Promise<void> }

/** Waits, and rejects when the signal is aborted. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>

/** The options of a listener. Times are in milliseconds. */
export type ListenerOptions = {
  /** Sends the self-test's notification, over the same pool as all notifications. */
  database: Database
  /** Where to listen, over a connection of its own. A direct connection is best. */
  url: string
  channels: readonly string[]
  /**
   * Called for a notification. Also called for every channel, with an empty payload, when listening
   * begins or begins again, because what was sent before is lost.
   */
  onNotify(channel: string, payload: string): void
  /** Called when notifications begin to arrive, and when they no longer do. */
  onLive?(isLive: boolean): void
  log: Log
  /** How often the self-test is repeated. Default 60,000. */
  selfTestMs?: number
  /** How long its notification may take. Default 1,000. */
  answerMs?: number
  /** When to connect again after notifications did not arrive three times. Default 300,000. */
  retryMs?: number
  sleep?: Sleep
}

/**
 * Opens a LISTEN on a connection of its own, which is replaced when lost. It sends itself a
 * notification at once and then regularly, because through a transaction pooler LISTEN succeeds and
 * delivers nothing. It does not throw when the database cannot be reached: its status says so, and
 * it connects again.
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  return new PostgresListener(options).open()
}

const realSleep: Sleep = (ms, signal) => wait(ms, undefined, { signal, ref: false })

class PostgresListener implements Listener {
  readonly #options: Required<ListenerOptions>
  readonly #closing = new AbortController()
  readonly #echoes = new Map<string, () => void>()
  readonly #first = Promise.withResolvers<void>()
  #status: ListenerStatus = { mode: 'polling', reason: 'Listening has not begun yet.' }
  #failures = 0
  /** How many self-tests in a row heard nothing. */
  #late = 0
  #running: Promise<void> | undefined

  constructor(options: ListenerOptions) {
    const defaults = { selfTestMs: 60_000, answerMs: 1000, retryMs: 300_000, sleep: realSleep, onLive: () => {} }
    this.#options = { ...defaults, ...options }
  }

  get live(): boolean {
    return this.#status.mode === 'listening'
  }

  status(): ListenerStatus {
    return this.#status
  }

  /** Starts listening, and waits for the result of the first self-test. */
  async open(): Promise<this> {
    this.#running = this.#run()
    await this.#first.promise
    return this
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    const { log, onLive, retryMs, sleep } = this.#options
    while (!signal.aborted) {
      const reason = await this.#session().catch(errorText)
      if (signal.aborted) break
      const wasLive = this.live
      if (wasLive || this.#failures === 0) log.warn({ reason }, 'notifications do not arrive; polling instead')
      this.#status = { mode: 'polling', reason }
      if (wasLive) onLive(false)
      this.#first.resolve()
      this.#failures += 1
      this.#late = reason === NOT_ARRIVING ? this.#late + 1 : 0
      const pauseMs = this.#late >= LATE_TESTS ? retryMs : backoffMs(this.#failures, { baseMs: 500, maxMs: 30_000 })
      await sleep(pauseMs, signal).catch(() => {})
    }
    this.#status = { mode: 'polling', reason: 'The listener is closed.' }
    this.#first.resolve()
  }

  /** Listens over one connection until it ends, and returns the reason. */
  async #session(): Promise<string> {
    const { url, channels, onNotify, selfTestMs, sleep } = this.#options
    const client = new pg.Client(connectionConfig(url, 'signalbox listener'))
    const ended = new AbortController()
    const signal = AbortSignal.any([this.#closing.signal, ended.signal])
    client.on('error', (error) => ended.abort(error))
    client.on('end', () => ended.abort(new Error('The connection was closed.')))
    client.on('notification', ({ channel, payload = '' }) => {
      if (channel === SELF_TEST_CHANNEL) this.#echoes.get(payload)?.()
      else onNotify(channel, payload)
    })
    try {
      await client.connect()
      for (const channel of [SELF_TEST_CHANNEL, ...channels]) await client.query(`listen ${quoteName(channel)}`)
      while (!signal.aborted) {
        if (!(await this.#echo(signal))) return signal.aborted ? errorText(signal.reason) : NOT_ARRIVING
        this.#goLive()
        await sleep(selfTestMs, signal).catch(() => {})
      }
      return errorText(signal.reason)
    } finally {
      // A server that has vanished never confirms the end.
      await Promise.race([client.end().catch(() => {}), wait(1000, undefined, { ref: false })])
      ended.abort()
    }
  }

  #goLive(): void {
    if (this.live) return
    const { channels, log, onLive, onNotify } = this.#options
    if (this.#failures > 0) log.info('notifications arrive again')
    this.#status = { mode: 'listening' }
    this.#failures = 0
    this.#late = 0
    this.#first.resolve()
    onLive(true)
    for (const channel of channels) onNotify(channel, '')
  }

  /** Sends a notification to this listener; false when it does not arrive in time. */
  async #echo(signal: AbortSignal): Promise<boolean> {
    const { database, answerMs, sleep } = this.#options
    const nonce = randomUUID()
    const settled = new AbortController()
    const arrived = new Promise<true>((resolve) => this.#echoes.set(nonce, () => resolve(true)))
    try {
      await database.query('select pg_notify($1, $2)', [SELF_TEST_CHANNEL, nonce])
      // The time starts here: the wait for a busy pool says nothing about notifications.
      const late = sleep(answerMs, AbortSignal.any([signal, settled.signal])).then(
        () => false,
        () => false,
      )
      return await Promise.race([arrived, late])
    } finally {
      this.#echoes.delete(nonce)
      settled.abort()
    }
  }
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * Sends "look now" on one channel, with a payload that names who is to look; without a name all
 * are. `close` waits for what is being sent.
 */
export type Notifier<Who extends string> = { notify(...who: Who[]): void; close(): Promise<void> }

/**
 * Opens a notifier. However often `notify` is called, it sends one `pg_notify` at a time and at
 * most one more after it, whose payload has the names of all calls, with commas. A failed one is
 * repeated once; if that fails too, workers look by themselves within seconds.
 * Call `notify` after the commit: inside a transaction `pg_notify` takes an instance-wide lock
 * (14,600 → 2,400 inserts/s).
 */
export function openNotifier<Who extends string>(database: Database, channel: string): Notifier<Who> {
  let wanted: Set<Who | ''> = new Set()
  let closed = false
  let sending: Promise<void> | undefined
  const sendOnce = (payload: string) => database.query('select pg_notify($1, $2)', [channel, payload])
  const send = async () => {
    while (wanted.size > 0) {
      const payload = wanted.has('') ? '' : [...wanted].sort().join()
      wanted = new Set()
      await sendOnce(payload)
        .catch(() => sendOnce(payload))
        .catch(() => {})
    }
    sending = undefined
  }
  return {
    notify(...who) {
      if (closed) return
      for (const one of who.length === 0 ? ([''] as const) : who) wanted.add(one)
      sending ??= send()
    },
    async close() {
      closed = true
      await sending
    },
  }
}

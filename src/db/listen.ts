// Being woken by the database, and waking others: LISTEN and NOTIFY, which may be lost and never
// carry more than "look now".
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { backoffMs } from '../lib/backoff.ts'
import { errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { connectionConfig } from './connection.ts'
import type { Database } from './database.ts'

const SELF_TEST_CHANNEL = 'signalbox_self_test'
const NOT_ARRIVING =
  'Notifications do not arrive, so the connection probably goes through a transaction pooler; a direct or session-mode one would wake Signalbox at once.'

/** Whether notifications are arriving; if not, why, for `doctor` to say. */
export type ListenerStatus = { mode: 'listening' } | { mode: 'polling'; reason: string }

/** A standing LISTEN. While it is not `live`, whoever wants to be woken has to poll. */
export type Listener = { readonly live: boolean; status(): ListenerStatus; close(): Promise<void> }

/** Waits, until the signal is aborted (then it rejects). */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>

/** What a listener is made of; the times are in milliseconds. */
export type ListenerOptions = {
  /** Sends the self-test's notification, the way everybody's notifications are sent. */
  database: Database
  /** Where to listen: a connection of its own, best a direct one. */
  url: string
  channels: readonly string[]
  /**
   * Called for a notification, and with an empty payload for every channel when listening begins
   * (again): what came in between is lost.
   */
  onNotify(channel: string, payload: string): void
  log: Log
  /** How often the self-test is repeated: 60,000. */
  selfTestMs?: number
  /** How long its notification may take: 1,000. */
  answerMs?: number
  /** When to try again after notifications did not arrive: 300,000. */
  retryMs?: number
  sleep?: Sleep
}

const realSleep: Sleep = (ms, signal) => wait(ms, undefined, { signal, ref: false })

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

class PostgresListener implements Listener {
  readonly #options: Required<ListenerOptions>
  readonly #closing = new AbortController()
  readonly #echoes = new Map<string, () => void>()
  readonly #first = Promise.withResolvers<void>()
  #status: ListenerStatus = { mode: 'polling', reason: 'Listening has not begun yet.' }
  #failures = 0
  #running: Promise<void> | undefined

  constructor(options: ListenerOptions) {
    this.#options = { selfTestMs: 60_000, answerMs: 1000, retryMs: 300_000, sleep: realSleep, ...options }
  }

  get live(): boolean {
    return this.#status.mode === 'listening'
  }

  status(): ListenerStatus {
    return this.#status
  }

  /** Begins, and waits for the outcome of the first self-test. */
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
    const { log, retryMs, sleep } = this.#options
    while (!signal.aborted) {
      const reason = await this.#session().catch(errorText)
      if (signal.aborted) break
      const wasLive = this.live
      if (wasLive || this.#failures === 0) log.warn({ reason }, 'notifications are off; polling instead')
      this.#status = { mode: 'polling', reason }
      this.#first.resolve()
      this.#failures += 1
      // Once late is not yet a pooler: a server may be busy.
      const isPooled = reason === NOT_ARRIVING && !wasLive
      const pauseMs = isPooled ? retryMs : backoffMs(this.#failures, { baseMs: 500, maxMs: 30_000 })
      await sleep(pauseMs, signal).catch(() => {})
    }
    this.#status = { mode: 'polling', reason: 'The listener is closed.' }
    this.#first.resolve()
  }

  /** One connection from its opening to its end; gives the reason of the end. */
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
      // A peer that went away without a word never confirms the end.
      await Promise.race([client.end().catch(() => {}), wait(1000, undefined, { ref: false })])
      ended.abort()
    }
  }

  #goLive(): void {
    if (this.live) return
    const { channels, log, onNotify } = this.#options
    if (this.#failures > 0) log.info('notifications arrive again')
    this.#status = { mode: 'listening' }
    this.#failures = 0
    this.#first.resolve()
    for (const channel of channels) onNotify(channel, '')
  }

  /** Notifies ourselves through the pool; false when nothing comes back in time. */
  async #echo(signal: AbortSignal): Promise<boolean> {
    const { database, answerMs, sleep } = this.#options
    const nonce = randomUUID()
    const settled = new AbortController()
    const arrived = new Promise<true>((resolve) => this.#echoes.set(nonce, () => resolve(true)))
    try {
      await database.query('select pg_notify($1, $2)', [SELF_TEST_CHANNEL, nonce])
      // The time begins here: waiting for a busy pool says nothing about notifications.
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

/**
 * Opens a LISTEN on a connection of its own, which is opened again when lost. It is tested at once
 * and then regularly by a notification to itself, because through a transaction pooler LISTEN
 * succeeds and delivers nothing. Never throws for a database that is away: the status says so, and
 * it keeps trying.
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  return new PostgresListener(options).open()
}

/** Sends "look now" on one channel. */
export type Notifier = { notify(): void; close(): Promise<void> }

/**
 * Opens a notifier that has at most one `pg_notify` on its way and one more behind it, however
 * often `notify` is called. Call it after the commit: inside an insert's transaction it takes an
 * instance-wide lock (14,600 → 2,400 inserts/s). A failed one is forgotten, since listeners poll
 * anyway. `close` waits for what is on its way.
 */
export function openNotifier(database: Database, channel: string): Notifier {
  let wanted = false
  let closed = false
  let sending: Promise<void> | undefined
  const send = async () => {
    while (wanted) {
      wanted = false
      await database.query(`select pg_notify($1, '')`, [channel]).catch(() => {})
    }
    sending = undefined
  }
  return {
    notify() {
      if (closed) return
      wanted = true
      sending ??= send()
    },
    async close() {
      closed = true
      await sending
    },
  }
}

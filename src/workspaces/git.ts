// Running git so that it obeys nothing but its arguments: no setting of this machine, of its user
// or of a repository, no hook, no filter.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { endWithUs } from '../lib/end-with-us.ts'
import { errorText } from '../lib/error.ts'

/** Who git may say that it is, and to which server (`https://github.com`). */
export type Login = { origin: string; username: string; password: string }

export type GitOptions = {
  /** The folder that git runs in. */
  folder: string
  /** Ends git, with all that it has started. */
  signal: AbortSignal
  /** The server that git may speak to, without which it may speak to nobody. */
  login?: Login
  input?: string
  /** Ends git as soon as it has printed more; what is returned then is longer than this. */
  maxBytes?: number
}

/** Git ended with an error. */
export class GitError extends Error {
  override name = 'GitError'
}

const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'core.symlinks=false',
  'core.protectHFS=true',
  'core.protectNTFS=true',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  // A pack appears whole or not at all; single objects of a killed git would not.
  'fetch.unpackLimit=1',
  'fetch.writeCommitGraph=false',
  'transfer.bundleURI=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'credential.helper=',
  'credential.useHttpPath=false',
  // A connection that has fallen silent.
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=60',
  'protocol.allow=never',
]

// What a connection through a proxy or with certificates of one's own needs.
const PASSED_ON = /^(PATH|TMPDIR|SSL_CERT_(FILE|DIR)|GIT_SSL_CA(INFO|PATH)|(https?|all|no)_proxy)$/i
const KILL_AFTER_MS = 2000
const ERROR_LINES = 5

/**
 * Runs git and returns what it prints.
 * @throws GitError with its last lines; the signal's reason once that is aborted.
 */
export async function runGit(args: readonly string[], options: GitOptions): Promise<string> {
  const { folder, signal, login, input, maxBytes = Number.POSITIVE_INFINITY } = options
  signal.throwIfAborted()
  const settings = [...SETTINGS, ...(login ? settingsFor(login) : [])].flatMap((setting) => ['-c', setting])
  const start = () =>
    spawn('git', [...settings, ...args], {
      cwd: folder,
      env: environment(),
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      detached: true,
    })
  const child: ChildProcess = endWithUs(start, { signal: 'KILL', group: true })
  const [stdin, stdout, stderr, credential] = child.stdio as unknown as [Writable, Readable, Readable, Writable]
  send(stdin, input ?? '')
  send(credential, login ? `username=${login.username}\npassword=${login.password}\n` : '')
  const release = endOn(signal, child.pid)
  try {
    const ended = once(child, 'close').catch((error: unknown) => {
      throw new GitError(`git cannot be started: ${errorText(error)}`)
    })
    const [[code], printed, errors] = await Promise.all([ended, readAtMost(stdout, maxBytes), text(stderr)])
    signal.throwIfAborted()
    if (printed.length > maxBytes) return printed.toString()
    if (code !== 0) throw new GitError(errorOf(args, errors))
    return printed.toString()
  } finally {
    release()
  }
}

/** All that is printed, or one byte more than so many; git then ends at its next write. */
async function readAtMost(stream: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxBytes + 1)
}

/** A child that does not read to the end is no failure. */
function send(stream: Writable, words: string): void {
  stream.on('error', () => {})
  stream.end(words)
}

/**
 * The password comes by git's credential protocol over a pipe that only this git has inherited: it
 * is in no argument, variable or file, is asked for by that server only, and can be read once.
 */
function settingsFor({ origin }: Login): string[] {
  const protocol = origin.startsWith('http:') ? 'http' : 'https'
  return [`credential.${origin}.helper=!f() { test "$1" = get && cat <&3; }; f`, `protocol.${protocol}.allow=always`]
}

function environment(): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ON.test(name))),
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    LC_ALL: 'C',
  }
}

/** Ends the group when the signal aborts; returns what undoes that. */
function endOn(signal: AbortSignal, pid: number | undefined): () => void {
  let killer: NodeJS.Timeout | undefined
  const kill = (how: NodeJS.Signals) => {
    try {
      if (pid !== undefined) process.kill(-pid, how)
    } catch {
      // It has ended.
    }
  }
  const stop = () => {
    kill('SIGTERM')
    killer = setTimeout(() => kill('SIGKILL'), KILL_AFTER_MS)
  }
  signal.addEventListener('abort', stop, { once: true })
  return () => {
    clearTimeout(killer)
    signal.removeEventListener('abort', stop)
  }
}

function errorOf([command]: readonly string[], errors: string): string {
  const lines = errors.trim().split('\n').slice(-ERROR_LINES)
  return `git ${command} failed: ${lines.join('; ').replaceAll(/\s+/g, ' ')}`
}

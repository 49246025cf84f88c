// The load: `wrk`, in a process of its own, as many requests as the server answers.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isInstalled } from '../machine.ts'
import { SECRET, signedPushes } from './payload.ts'

/** Requests under way at any time. */
export const CONNECTIONS = 64

/** Different bodies that are sent in turn. */
export const BODIES = 200

/** What one slot of load came to. */
export type Loaded = { requests: number; seconds: number; p50Ms: number; p99Ms: number }

/** A load that can be put on one server after the other. */
export type Load = { bodyBytes: number; put(url: string, seconds: number): Promise<Loaded>; close(): Promise<void> }

type Result = { requests: number; durationUs: number; p50: number; p99: number; refused: number; broken: number }

const run = promisify(execFile)

/** Prepares the load. @throws Error saying how to install it, when `wrk` is missing */
export async function openLoad(): Promise<Load> {
  if (!isInstalled('wrk')) {
    throw new Error(
      'wrk is missing: "apt-get install wrk" (Debian, Ubuntu), "brew install wrk" (macOS), or github.com/wg/wrk.',
    )
  }
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
  const pushes = signedPushes(BODIES)
  for (const [i, { body, headers }] of pushes.entries()) {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`)
    await writeFile(join(folder, `body-${i + 1}`), body)
    await writeFile(join(folder, `headers-${i + 1}`), lines)
  }
  return {
    bodyBytes: Math.round(pushes.reduce((sum, { body }) => sum + body.byteLength, 0) / pushes.length),
    async put(url, seconds) {
      const limits = ['--threads', '1', '--connections', String(CONNECTIONS), '--timeout', '10s']
      const script = ['--latency', '--script', join(import.meta.dirname, 'wrk.lua')]
      const own = [folder, String(BODIES), randomBytes(12).toString('hex'), SECRET, import.meta.dirname]
      const { stdout } = await run('wrk', [...limits, '--duration', `${seconds}s`, ...script, url, '--', ...own])
      const result = /^@result (.*)$/m.exec(stdout)?.[1]
      if (result === undefined) throw new Error(`wrk said:\n${stdout}`)
      const { requests, durationUs, p50, p99, refused, broken } = JSON.parse(result) as Result
      if (refused + broken > 0 || requests === 0) {
        throw new Error(`${url}: of ${requests} answers ${refused} were not 2xx; ${broken} broken connections.`)
      }
      return { requests, seconds: durationUs / 1e6, p50Ms: p50 / 1000, p99Ms: p99 / 1000 }
    },
    close: () => rm(folder, { recursive: true }),
  }
}

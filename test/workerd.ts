// A Cloudflare Worker in its own runtime, workerd, which is what runs it at Cloudflare, too.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'

const require = createRequire(import.meta.url)
// The path of the program.
const { default: workerd } = require('workerd') as { default: string }

/** A Worker that listens. */
export type RunningWorker = { url: string; close(): Promise<void> }

/**
 * Runs a module of one file with these variables. Its requests may reach this machine, as no
 * Worker of Cloudflare's could.
 */
export async function runWorker(file: string, variables: Record<string, string> = {}): Promise<RunningWorker> {
  const config = join(dirname(file), `${basename(file)}.capnp`)
  const bindings = Object.entries(variables).map(([name, text]) => `(name = ${quote(name)}, text = ${quote(text)})`)
  await writeFile(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "main", esModule = embed ${quote(basename(file))})],
  compatibilityDate = "2026-11-01",
  bindings = [${bindings.join(', ')}],
);
`,
  )
  const child = spawn(workerd, ['serve', '--control-fd=3', config], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
  const ended = once(child, 'exit')
  const port = await Promise.race([listeningPort(child.stdio[3] as Readable), ended.then(() => null)])
  if (port === null) throw new Error('workerd ended: see what it printed')
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      child.kill()
      await ended
    },
  }
}

/** The port that workerd reports as it begins to listen. */
async function listeningPort(control: Readable): Promise<number> {
  let text = ''
  for await (const chunk of control) {
    text += String(chunk)
    const found = /"event":"listen".*"port":(\d+)/.exec(text)
    if (found) return Number(found[1])
  }
  throw new Error(`workerd does not listen: ${text}`)
}

/** As Cap'n Proto quotes, which is as JSON does. */
function quote(text: string): string {
  return JSON.stringify(text)
}

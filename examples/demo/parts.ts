// The processes of the demo: the example handler and Signalbox, started as a user starts them.
import type { ChildProcess } from 'node:child_process'
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { FakeGithub } from '@signalbox/fake-github'
import { over, quote } from './narrate.ts'
import type { Stage } from './stage.ts'

const ROOT = join(import.meta.dirname, '../..')
const HANDLER_SECRET = randomBytes(24).toString('base64url')

/** A running process, and its address. */
type Part = { url: string }

const children: ChildProcess[] = []

/** Ends every process that was started, the newest first, and waits for that. */
export async function endParts(): Promise<void> {
  for (const child of children.splice(0).reverse()) await end(child)
}

type Starting = { github: FakeGithub; repository: string; folder: string }

/** Resolves at the first of these signals. */
export function once(...signals: NodeJS.Signals[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve())
  })
}

/** The preferred port if it is free, else 0, so that the system chooses. */
export function freePort(preferred: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(0))
      .listen(preferred, '127.0.0.1', () => probe.close(() => resolve(preferred)))
  })
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('close', () => resolve())
    child.kill('SIGTERM')
  })
}

/** Starts a process, shows what it prints, and resolves with the first address it prints. */
function start(who: string, command: string, args: string[], env: Record<string, string>, cwd: string): Promise<Part> {
  return new Promise((resolve, reject) => {
    over.signal.throwIfAborted()
    const child = spawn(command, args, {
      cwd,
      env: { PATH: process.env.PATH ?? '', HOME: cwd, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(child)
    child.once('close', (code) => reject(new Error(`${who} ended with ${code}`)))
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        quote(who, line)
        const url = /https?:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(line)?.[0]
        if (url) resolve({ url })
      })
    }
  })
}

/** Starts examples/handler-node, with its secret. */
export function startHandler({ github, repository, folder }: Starting): Promise<Part> {
  return start(
    'handler',
    process.execPath,
    [
      '--conditions=signalbox-source',
      '--disable-warning=ExperimentalWarning',
      join(ROOT, 'examples/handler-node/server.ts'),
    ],
    {
      PORT: '0',
      AGENTA_WEBHOOK_SECRET: HANDLER_SECRET,
      GITHUB_TOKEN: github.addToken({ login: 'acme' }),
      GITHUB_REPO: repository,
      GITHUB_API_URL: github.apiUrl,
    },
    folder,
  )
}

/** Starts Signalbox with the demo's configuration. `cli` runs a command against it. */
export async function startSignalbox(
  options: Starting & { handlerUrl: string; port: number },
): Promise<Part & { secret: string; tokenFile: string; cli: Stage['cli'] }> {
  const { github, repository, folder, handlerUrl, port } = options
  const dataDir = join(folder, 'data')
  const secret = randomBytes(24).toString('base64url')
  const command = join(ROOT, 'bin/signalbox')
  const env = {
    PORT: String(port),
    SIGNALBOX_DATA_DIR: dataDir,
    GITHUB_WEBHOOK_SECRET: secret,
    GITHUB_TOKEN: github.addToken({ login: 'acme' }),
    GITHUB_REPO: repository,
    GITHUB_API_URL: github.apiUrl,
    GIT_SYNC_ENABLED: 'false',
    ORCHESTRATOR_LOG_LEVEL: 'WARNING',
    HANDLER_URL: `${handlerUrl}/webhook`,
    HANDLER_SECRET,
  }
  const config = join(ROOT, 'examples/demo/signalbox.config.ts')
  const part = await start('signalbox', command, ['dev', '--config', config], env, folder)
  const cli: Stage['cli'] = async (args, input = '') => {
    const running = promisify(execFile)(command, args, {
      cwd: folder,
      env: { PATH: process.env.PATH, ...env, SIGNALBOX_URL: part.url },
    })
    running.child.stdin?.end(input)
    return (await running).stdout
  }
  return { ...part, secret, tokenFile: join(dataDir, 'api-token'), cli }
}

// The processes of the demo: the example handler and Signalbox, started as a user starts them.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { FakeGithub } from '@signalbox/fake-github'
import { MODEL_KEY } from './model.ts'
import { over, quote } from './narrate.ts'

/** The checkout that the demo is of. */
export const ROOT = join(import.meta.dirname, '../..')
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

/**
 * Starts a process, shows the lines of what it prints that match, and resolves with the first
 * address in it.
 */
function start(
  { who, shown, env, cwd }: { who: string; shown: RegExp; env: Record<string, string>; cwd: string },
  command: string,
  args: string[],
): Promise<Part> {
  return new Promise((resolve, reject) => {
    over.signal.throwIfAborted()
    const child = spawn(command, args, {
      cwd,
      env: { PATH: process.env.PATH ?? '', HOME: cwd, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(child)
    const printed: string[] = []
    child.once('close', (code) => reject(new Error(`${who} ended with ${code}:\n${printed.join('\n')}`)))
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        printed.push(line)
        if (shown.test(line)) quote(who, line)
        const url = /https?:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(line)?.[0]
        if (url) resolve({ url })
      })
    }
  })
}

/** Starts examples/handler-node, with its secret. */
export function startHandler({ github, repository, folder }: Starting): Promise<Part> {
  const env = {
    PORT: '0',
    AGENTA_WEBHOOK_SECRET: HANDLER_SECRET,
    GITHUB_TOKEN: github.addToken({ login: 'acme' }),
    GITHUB_REPO: repository,
    GITHUB_API_URL: github.apiUrl,
  }
  const program = join(ROOT, 'examples/handler-node/server.ts')
  const flags = ['--conditions=signalbox-source', '--disable-warning=ExperimentalWarning']
  return start({ who: 'handler', shown: /listening|PR created/, env, cwd: folder }, process.execPath, [
    ...flags,
    program,
  ])
}

/** Starts Signalbox with the settings of a user, and where the stand-ins are. */
export async function startSignalbox(
  options: Starting & { handlerUrl: string; modelUrl: string; port: number },
): Promise<Part & { secret: string; tokenFile: string }> {
  const { github, repository, folder, handlerUrl, modelUrl, port } = options
  const dataDir = join(folder, 'data')
  const secret = randomBytes(24).toString('base64url')
  const env = {
    PORT: String(port),
    SIGNALBOX_DATA_DIR: dataDir,
    GITHUB_WEBHOOK_SECRET: secret,
    GITHUB_TOKEN: github.addToken({ login: 'signalbox' }),
    GITHUB_REPO: repository,
    SIGNALBOX_DEPLOY_COMMAND: join(ROOT, 'examples/demo/deploy.sh'),
    SIGNALBOX_MODEL: 'openai/scripted',
    OPENAI_API_KEY: MODEL_KEY,
    GITHUB_API_URL: github.apiUrl,
    OPENAI_BASE_URL: modelUrl,
    GIT_SYNC_ENABLED: 'false',
    ORCHESTRATOR_LOG_LEVEL: 'ERROR',
    HANDLER_URL: `${handlerUrl}/webhook`,
    HANDLER_SECRET,
  }
  const args = ['dev', '--config', join(ROOT, 'examples/demo/signalbox.config.ts')]
  const shown = /listens|ERROR/
  const part = await start({ who: 'signalbox', shown, env, cwd: folder }, join(ROOT, 'bin/signalbox'), args)
  return { ...part, secret, tokenFile: join(dataDir, 'api-token') }
}

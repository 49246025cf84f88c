// Every command and SQL statement of the documents is run as printed, against a server started as
// they say.
import { execFile, execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'
import type { Running } from './process.ts'
import { run } from './process.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const docs = (await readdir(join(root, 'docs'), { recursive: true }))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`)
const files = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs.sort()]

async function blocksOf(language: string) {
  const found = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(root, file), 'utf8')
      // A block in a list is indented as far as its text.
      return [...text.matchAll(new RegExp(`^( *)\`\`\`${language}\n(.*?)^ *\`\`\``, 'gms'))].map(
        ([, indent = '', block = '']) => ({ file, block: block.replaceAll(new RegExp(`^${indent}`, 'gm'), '').trim() }),
      )
    }),
  )
  return found.flat()
}

// These install and test everything, so they run this test too.
function runsThisTest(block: string): boolean {
  return /^script\/(test|bootstrap)$/.test(block)
}
const commands = (await blocksOf('sh')).filter(({ block }) => !runsThisTest(block))
const sql = await blocksOf('sql')

const hasCurl = (() => {
  try {
    execFileSync('curl', ['--version'])
    return true
  } catch {
    return false
  }
})()

let folder: string
let server: Running
let url: string
function env(): Record<string, string> {
  return {
    PATH: `${join(folder, 'path')}:${process.env.PATH}`,
    HOME: folder,
    GITHUB_WEBHOOK_SECRET: 'a-secret-for-the-commands-of-the-docs',
    // Nobody listens there: endpoints for mail are only added.
    SMTP_URL: 'smtp://127.0.0.1:9',
    SMTP_FROM: 'signalbox@example.com',
    USER: 'jane',
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-docs-'))
  await chmod(folder, 0o711)
  for (const name of ['bin', 'script', 'examples']) await symlink(join(root, name), join(folder, name))
  await mkdir(join(folder, 'path'))
  await symlink(join(root, 'bin/signalbox'), join(folder, 'path/signalbox'))
  await writeFile(join(folder, 'config.json'), '{"temperature":0.5}')
  const agents = await readFile(join(root, 'docs/agents.md'), 'utf8')
  await writeFile(join(folder, 'signalbox.config.ts'), /^```ts\n(.*?)^```/ms.exec(agents)?.[1] ?? '')
  // `dev` on a free port and without settings, as somebody trying it out runs it.
  server = run(['dev'], { cwd: folder, env: { ...env(), PORT: '0' } })
  url = (await server.prints(/http:\/\/127\.0\.0\.1:\d+/))[0]
})
afterAll(async () => {
  await server.kill('SIGTERM')
  await rm(folder, { recursive: true, force: true })
})

describe('every command of the documents exits with 0', () => {
  test.for(commands)('$file: $block', { timeout: 240_000 }, async ({ block }, { skip }) => {
    if (!hasCurl && block.includes('curl')) skip('there is no curl on this machine')
    const here = block
      .replaceAll('http://localhost:8000', url)
      .replaceAll(/(?<!deliveries )\bcurl\b/g, 'curl -sS --fail-with-body')
    // Set where a document says so; the other commands find the token of `dev` by themselves.
    const SIGNALBOX_API_TOKEN = await readFile(join(folder, '.signalbox/api-token'), 'utf8')
    const token = block.includes('$SIGNALBOX_API_TOKEN') ? { SIGNALBOX_API_TOKEN: SIGNALBOX_API_TOKEN.trim() } : {}
    const result = promisify(execFile)('sh', ['-euc', here], {
      cwd: folder,
      env: { ...env(), ...token, SIGNALBOX_URL: url, PORT: new URL(url).port },
    })
    await expect(result.then(({ stdout }) => stdout.length)).resolves.toBeGreaterThan(0)
  })
})

test.each(sql)('every SQL statement of $file runs as printed', async ({ block }) => {
  const printed = await promisify(execFile)('signalbox', ['db', 'url'], { cwd: folder, env: env() })
  const database = await openDatabase({ url: printed.stdout.trim(), log: silentLog })
  // Without bound values PostgreSQL takes several statements at once.
  await expect(database.query(block)).resolves.toBeDefined()
  await database.close()
})

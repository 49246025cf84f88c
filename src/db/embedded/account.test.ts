// PostgreSQL never runs as root, and never sees this process's environment.
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { bareEnvironment, canEnter, canRun, chooseAccount, isRoot } from './account.ts'

describe('the account of a new cluster', () => {
  test.runIf(isRoot())('is not root when this process is', () => {
    const { uid, gid } = chooseAccount()
    expect(uid).toBeGreaterThan(0)
    expect(gid).toBeGreaterThan(0)
    const printed = canRun(chooseAccount(), '/bin/sh', ['-c', `test "$(id -u)" = ${uid}`])
    expect(printed).toEqual({ ok: true, reason: '' })
  })

  test.runIf(!isRoot())('is the account of this process when that is not root', () => {
    expect(chooseAccount()).toEqual({})
  })
})

describe('the environment of its programs', () => {
  test('has no variable of this process but the path', () => {
    process.env.GITHUB_TOKEN_OF_THIS_TEST = 'hunter2'
    onTestFinished(() => {
      delete process.env.GITHUB_TOKEN_OF_THIS_TEST
    })
    expect(Object.keys(bareEnvironment()).sort()).toEqual(['LC_ALL', 'PATH', 'SystemRoot'])
    expect(JSON.stringify(bareEnvironment())).not.toContain('hunter2')
    expect(canRun({}, '/bin/sh', ['-c', 'test -z "$GITHUB_TOKEN_OF_THIS_TEST"']).ok).toBe(true)
  })

  test('has a fixed locale, so that what they print can be recognised', () => {
    expect(bareEnvironment().LC_ALL).toBe('C')
  })
})

describe('whether an account can run a command', () => {
  test('is what the command answers', () => {
    expect(canRun({}, '/bin/sh', ['-c', 'exit 0'])).toEqual({ ok: true, reason: '' })
    expect(canRun({}, '/bin/sh', ['-c', 'echo "no library" >&2; exit 3'])).toEqual({ ok: false, reason: 'no library' })
  })

  test('is no, with the reason, when there is no such command', () => {
    const { ok, reason } = canRun({}, '/no/such/command', [])
    expect(ok).toBe(false)
    expect(reason).toContain('ENOENT')
  })
})

describe('whether an account can enter a directory', () => {
  test('depends on the permissions of every directory above it', async () => {
    const folder = await openTestFolder()
    const inner = join(folder, 'outer', 'inner')
    await mkdir(inner, { recursive: true, mode: 0o755 })
    expect(canEnter(chooseAccount(), inner)).toBe(true)
    await chmod(join(folder, 'outer'), 0o700)
    // Without root the account is the owner itself.
    expect(canEnter(chooseAccount(), inner)).toBe(!isRoot())
  })
})

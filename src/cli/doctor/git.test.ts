// The doctor on git and its mirrors.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { noteSync } from '../../workspaces/sync-failures.ts'
import { gitCheck, gitChecks } from './git.ts'

test.each([
  ['git version 2.32.0', 'ok'],
  ['git version 2.39.5 (Apple Git-154)', 'ok'],
  ['git version 3.0.1', 'ok'],
  ['git version 2.31.9', 'warning'],
  ['git version 1.40.0', 'warning'],
  ['nonsense', 'warning'],
  [null, 'warning'],
])('%s: %s', (version, status) => {
  expect(gitCheck(version)).toMatchObject({ name: 'Git', status })
})

test('mirrors are shown with the space they take, and what could not be synchronised with its reason', async () => {
  const folder = await openTestFolder()
  const environment = readEnvironment({ GIT_MIRRORS_MAX_MB: '5' })
  expect((await gitChecks({ folder }, environment)).map(({ name }) => name)).toEqual(['Git'])
  const mirrors = join(folder, '.signalbox/mirrors')
  await mkdir(join(mirrors, 'github/acme/shop.git'), { recursive: true })
  await writeFile(join(mirrors, 'github/acme/shop.git/pack'), 'x'.repeat(1_500_000))
  await noteSync(mirrors, 'acme/shop', 'git fetch failed: no route')
  await noteSync(mirrors, '/etc/signalbox', 'git pull failed')
  await noteSync(mirrors, 'acme/other', 'git fetch failed')
  await noteSync(mirrors, 'acme/other', null)
  expect((await gitChecks({ folder }, environment)).slice(1)).toMatchObject([
    { name: 'repositories', status: 'ok', detail: '1 mirror, 2 of 5 MB' },
    { name: 'sync of /etc/signalbox', status: 'warning', detail: expect.stringMatching(/^failed at 2.*: git pull/) },
    { name: 'sync of acme/shop', status: 'warning', detail: expect.stringContaining('no route') },
  ])
})

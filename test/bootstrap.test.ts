// The set-up of a checkout: Node.js is compared with a known checksum before it is run.
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openTestFolder } from './folder.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const script = await readFile(join(root, 'script/bootstrap'), 'utf8')

/** A checkout whose `npm install` gives `node_modules/node/bin/node` by this command. */
async function checkout(install: string): Promise<string> {
  const folder = await openTestFolder()
  for (const name of ['script', 'bin', 'system']) await mkdir(join(folder, name))
  for (const name of ['script/bootstrap', 'package.json', 'package-lock.json']) {
    await copyFile(join(root, name), join(folder, name))
  }
  const npm = `#!/bin/sh\nmkdir -p node_modules/.bin node_modules/node/bin\n${install}\n`
  await writeFile(join(folder, 'system/npm'), npm, { mode: 0o755 })
  await symlink('/bin/true', join(folder, 'system/git'))
  return folder
}

function bootstrap(folder: string): Promise<{ code: number; stderr: string }> {
  return promisify(execFile)(join(folder, 'script/bootstrap'), {
    env: { PATH: `${join(folder, 'system')}:${process.env.PATH}` },
  }).then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
  )
}

test('the checksums are of the version that the package names', async () => {
  const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const versions = [...script.matchAll(/^(\S+) (?:Linux|Darwin) \S+ [0-9a-f]{64}$/gm)].map(([, version]) => version)
  expect(versions.length).toBeGreaterThan(0)
  expect(new Set(versions)).toEqual(new Set([devDependencies.node]))
})

test('the program that this checkout installed is accepted, without the link that install scripts make', async () => {
  const folder = await checkout(`ln -s '${join(root, 'node_modules/node/bin/node')}' node_modules/node/bin/node`)
  expect(await bootstrap(folder)).toMatchObject({ code: 0 })
})

test('another program is not run, and not left behind', async () => {
  const mark = 'touch "$(dirname "$0")/it-ran"'
  const program = `printf '#!/bin/sh\\n%s\\necho v24.21.0\\n' '${mark}' > node_modules/node/bin/node`
  const folder = await checkout(`${program}\nchmod +x node_modules/node/bin/node`)
  const { code, stderr } = await bootstrap(folder)
  const isKnown = !stderr.includes('no checksum of Node.js is known')
  if (!isKnown) return
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('is not the expected one') })
  await expect(readFile(join(folder, 'node_modules/node/bin/it-ran'))).rejects.toThrow()
  await expect(readFile(join(folder, 'node_modules/node/bin/node'))).rejects.toThrow()
})

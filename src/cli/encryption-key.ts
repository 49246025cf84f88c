// The encryption key of `dev`: made at the first start, and kept in a file that only its owner can
// read. Unlike the API's token it is never replaced, because nothing else opens what it has sealed.
import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Environment } from '../lib/environment.ts'
import { CliError } from './failure.ts'
import { writePrivatelyOnce } from './private-file.ts'
import type { Terminal } from './terminal.ts'

const KEY = /^[A-Za-z0-9+/]{43}=\n$/

/** The file of a data directory's key. */
function keyFile(dataDir: string): string {
  return join(dataDir, 'encryption-key')
}

/**
 * The keys of the environment, or else the one that `dev` keeps in the data directory; none where
 * there is neither.
 * @throws CliError `encryption_key_unusable` when its file has no key, or others can read it.
 */
export async function keysOf(
  { folder }: Pick<Terminal, 'folder'>,
  environment: Pick<Environment, 'SIGNALBOX_ENCRYPTION_KEY' | 'SIGNALBOX_DATA_DIR'>,
): Promise<string[]> {
  const { SIGNALBOX_ENCRYPTION_KEY: keys, SIGNALBOX_DATA_DIR: dataDir } = environment
  if (keys.length > 0) return keys
  const kept = await readKey(keyFile(resolve(folder, dataDir)))
  return kept === null ? [] : [kept]
}

/**
 * The key of a data directory, made when there is none.
 * @throws CliError `encryption_key_unusable` when its file has no key, or others can read it.
 */
export async function keepKey(dataDir: string): Promise<string> {
  const path = keyFile(dataDir)
  const known = await readKey(path)
  if (known !== null) return known
  await writePrivatelyOnce(path, randomBytes(32).toString('base64'))
  return (await readKey(path)) ?? ''
}

async function readKey(path: string): Promise<string | null> {
  const file = await stat(path).catch(() => null)
  if (file === null) return null
  const [text, isOpen] = [await readFile(path, 'utf8'), process.platform !== 'win32' && (file.mode & 0o077) !== 0]
  if (KEY.test(text) && !isOpen) return text.trim()
  throw isOpen
    ? new CliError('encryption_key_unusable', `${path} can be read by others on this machine.`, `chmod 600 ${path}`)
    : new CliError(
        'encryption_key_unusable',
        `${path} holds no key.`,
        'Put the key back, or set SIGNALBOX_ENCRYPTION_KEY.',
      )
}

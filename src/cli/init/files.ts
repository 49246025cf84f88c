// The files that `init` writes: each only where it is missing, or what is missing in it.
import { readFile, realpath, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FILE_NAMES } from '../../config/config-file.ts'
import { writePrivately } from '../private-file.ts'
import { CONFIG_TEMPLATE, configFileName } from './config-template.ts'
import type { Setting } from './env-file.ts'
import { variablesIn, withSettings } from './env-file.ts'
import { isIgnored } from './repository.ts'

/** What became of a file: what was added to it, and what was there and is kept. */
export type WrittenFile = {
  path: string
  status: 'written' | 'changed' | 'kept'
  added: string[]
  kept: string[]
}

const IGNORED = ['.env', '.signalbox/']
const OTHERS = process.platform === 'win32' ? 0 : 0o077

/** Writes the configuration file, if there is none by any of its names. */
export async function writeConfig(folder: string): Promise<WrittenFile> {
  for (const path of FILE_NAMES) {
    if (await exists(join(folder, path))) return { path, status: 'kept', added: [], kept: [] }
  }
  const path = configFileName(await readIfThere(join(folder, 'package.json')))
  await writeFile(join(folder, path), CONFIG_TEMPLATE, { flag: 'wx' })
  return { path, status: 'written', added: [], kept: [] }
}

/**
 * Adds variables to `.env` that have no value there, and lets nobody else read the file. `isSet`
 * says which are set elsewhere.
 */
export async function writeEnv(
  folder: string,
  settings: readonly Setting[],
  isSet: (name: string) => boolean,
): Promise<WrittenFile> {
  const path = '.env'
  const file = await realpath(join(folder, path)).catch(() => join(folder, path))
  const before = await readIfThere(file)
  const known = variablesIn(before ?? '')
  const missing = settings.filter(({ name }) => !known.has(name) && !isSet(name))
  const kept = settings.filter((setting) => !missing.includes(setting)).map(({ name }) => name)
  const isOpen = before !== null && ((await stat(file)).mode & OTHERS) !== 0
  const status = before === null ? 'written' : missing.length > 0 || isOpen ? 'changed' : 'kept'
  if (status !== 'kept') await writePrivately(file, withSettings(before ?? '', missing).replace(/\n$/, ''))
  return { path, status, added: missing.map(({ name }) => name), kept }
}

/** Has Git leave out what is secret or made here. */
export async function writeIgnored(folder: string): Promise<WrittenFile> {
  const path = '.gitignore'
  const before = await readIfThere(join(folder, path))
  const lines = (before ?? '').split(/\r?\n/).map((line) => line.trim())
  const isThere = async (entry: string) =>
    [entry, `/${entry}`, entry.replace(/\/$/, ''), `/${entry.replace(/\/$/, '')}`].some((line) =>
      lines.includes(line),
    ) || (await isIgnored(folder, entry))
  const kept: string[] = []
  const added: string[] = []
  for (const entry of IGNORED) ((await isThere(entry)) ? kept : added).push(entry)
  if (added.length === 0) return { path, status: 'kept', added, kept }
  const end = before === null || before === '' || before.endsWith('\n') ? '' : '\n'
  await writeFile(join(folder, path), `${before ?? ''}${end}${added.join('\n')}\n`)
  return { path, status: before === null ? 'written' : 'changed', added, kept }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null
}

async function readIfThere(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
}

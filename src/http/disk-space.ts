// How much space is left on the disks that this process, and a database of its own, write to.
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Part } from './health-parts.ts'

const MB = 1_000_000
// A segment of PostgreSQL's log is 17 MB; without space for the next one the server stops.
const PROBLEM_MB = 64
const WARNING_MB = 1_000
const MIN_FILES = 1000
const MIN_FILES_PART = 0.05

/** Folders by what is in them; of one that is not there yet the disk is looked at all the same. */
export type Folders = Readonly<Record<string, string>>

type Space = { freeMb: number; isLow: boolean; isFull: boolean }

/** Looks at the disks of these folders; never throws. */
export async function examineDisks(folders: Folders): Promise<Part> {
  const found = await Promise.all(
    Object.entries(folders).map(async ([name, folder]) => ({ name, space: await spaceOf(folder) })),
  )
  const known = found.flatMap(({ name, space }) => (space === null ? [] : [{ name, ...space }]))
  const details = Object.fromEntries(known.map(({ name, freeMb }) => [`${name}_free_mb`, Math.floor(freeMb)]))
  if (known.some(({ isFull }) => isFull)) return { status: 'problem', problem: 'A disk is full.', details }
  return known.some(({ isLow }) => isLow)
    ? { status: 'warning', problem: 'A disk is nearly full.', details }
    : { status: 'ok', problem: null, details }
}

async function spaceOf(folder: string): Promise<Space | null> {
  try {
    const { bavail, bsize, files, ffree } = await statfs(folder)
    const freeMb = (bavail * bsize) / MB
    // Some file systems have no fixed number of files, and say 0.
    const lacksFiles = files > 0 && ffree < Math.min(MIN_FILES, files * MIN_FILES_PART)
    const isFull = freeMb < PROBLEM_MB || (lacksFiles && ffree < 10)
    return { freeMb, isFull, isLow: lacksFiles || freeMb < WARNING_MB }
  } catch (error) {
    const above = dirname(folder)
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && above !== folder ? spaceOf(above) : null
  }
}

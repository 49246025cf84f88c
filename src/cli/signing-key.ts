// The signing key of `dev`: made at the first start, and kept in a file that only its owner can
// read.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { generateSigningKey } from '../deliveries/sign-ed25519.ts'
import { readPrivately, writePrivately } from './private-file.ts'

function fileOf(dataDir: string): string {
  return join(dataDir, 'signing-key')
}

const KEY = /^whsk_[A-Za-z0-9+/]{86}==$/

/** The key of a data directory; undefined without one that is ours alone. */
export function readSigningKey(dataDir: string): string | undefined {
  return readPrivately(fileOf(dataDir), KEY)
}

/** The key of a data directory, made when there is none, or when others could read it. */
export async function keepSigningKey(dataDir: string): Promise<string> {
  const known = readSigningKey(dataDir)
  if (known !== undefined) return known
  const made = generateSigningKey()
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writePrivately(fileOf(dataDir), made)
  return made
}

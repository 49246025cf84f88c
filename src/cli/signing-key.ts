// The signing key of `dev`: made at the first start, and kept in a file that only its owner can
// read.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { generateSigningKey } from '../deliveries/sign-ed25519.ts'
import { readPrivately, writePrivately } from './private-file.ts'

const KEY = /^whsk_[A-Za-z0-9+/]{86}==$/

/** The key of a data directory, made when there is none, or when others could read it. */
export async function keepSigningKey(dataDir: string): Promise<string> {
  const path = join(dataDir, 'signing-key')
  const known = readPrivately(path, KEY)
  if (known !== undefined) return known
  const made = generateSigningKey()
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writePrivately(path, made)
  return made
}

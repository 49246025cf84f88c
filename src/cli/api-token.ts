// The API's token of `dev`: made at the first start, and kept in a file that only its owner can
// read.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readPrivately, writePrivately } from './private-file.ts'

const TOKEN = /^[\w-]{43}$/

/** The file of a data directory's token. */
export function tokenFile(dataDir: string): string {
  return join(dataDir, 'api-token')
}

/** The token of a data directory; undefined without one that is ours alone. */
export function readToken(dataDir: string): string | undefined {
  return readPrivately(tokenFile(dataDir), TOKEN)
}

/** The token of a data directory, made when there is none, or when others could read it. */
export async function keepToken(dataDir: string): Promise<string> {
  const known = readToken(dataDir)
  if (known !== undefined) return known
  const made = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writePrivately(tokenFile(dataDir), made)
  return made
}

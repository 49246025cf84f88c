// This program's version, from its package.json.
import { readFileSync } from 'node:fs'

/** The version in package.json; the path is the same from `src/lib` and `dist/lib`. */
export const VERSION: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version

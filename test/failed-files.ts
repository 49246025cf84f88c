// Which files of tests failed, for `script/test`, which runs a few of them once more by themselves.
import { readFileSync } from 'node:fs'

/** What Vitest's reporter `json` writes, as far as it is read here. */
export type Report = { testResults: readonly { name: string; status: string }[] }

// More than these are no accident.
const MOST = 3

/** The paths of the files to repeat: none when nothing, or too much, failed. */
export function filesToRepeat({ testResults }: Report): string[] {
  const failed = testResults.filter(({ status }) => status !== 'passed').map(({ name }) => name)
  return failed.length > MOST ? [] : failed
}

if (import.meta.main) {
  const files = filesToRepeat(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')))
  console.log(files.join('\n'))
  process.exitCode = files.length > 0 ? 0 : 1
}

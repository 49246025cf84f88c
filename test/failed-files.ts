// A reporter that writes which files of tests failed, for `script/test`, which runs a few of them
// once more by themselves.
import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

// More than these are no accident.
const MOST = 3

/**
 * The paths of the files to repeat: none when nothing, or too much, failed, or something that is of
 * no test.
 */
export function filesToRepeat(
  modules: readonly Pick<TestModule, 'moduleId' | 'ok'>[],
  unhandled: readonly unknown[],
): string[] {
  const failed = modules.filter((module) => !module.ok()).map(({ moduleId }) => moduleId)
  return failed.length > MOST || unhandled.length > 0 ? [] : failed
}

/** Writes them into the file that `FAILED_FILES` names, a line each. */
export class FailedFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const files = filesToRepeat(modules, unhandled).map((path) => `${path}\n`)
    if (process.env.FAILED_FILES) writeFileSync(process.env.FAILED_FILES, files.join(''))
  }
}

// Where results go: Markdown on standard output, and with every sample into bench/results.
import { mkdir, writeFile } from 'node:fs/promises'
import { describeMachine, load } from './machine.ts'

/** Prints the results of a run and keeps them. */
export const report = async (
  name: string,
  results: { about: string; loadBefore: number; others?: string; tables: readonly string[]; samples: object },
): Promise<void> => {
  const { about, loadBefore, others, tables, samples } = results
  const machine = describeMachine()
  const header = `${about}. ${machine}. ${others ? `${others}. ` : ''}Load average ${loadBefore.toFixed(2)} before, ${load().toFixed(2)} after.`
  console.log(`\n## ${name}\n\n${header}\n\n${tables.join('\n\n')}\n`)
  const folder = new URL('results/', import.meta.url)
  await mkdir(folder, { recursive: true })
  const path = new URL(`${name}-${new Date().toISOString().replace(/[:.]/g, '-')}.json`, folder)
  await writeFile(path, `${JSON.stringify({ name, machine, about, others, loadBefore, samples }, null, 2)}\n`)
}

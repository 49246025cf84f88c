// Where results go: Markdown on standard output, and with every sample into bench/results.
import { mkdir, writeFile } from 'node:fs/promises'
import { describeMachine, load } from './machine.ts'

/** What a run came to. A table that is null was not asked for. */
export type Results = {
  about: string
  loadBefore: number
  /** How much of the machine others used. */
  others?: string
  /** Whether the measured process had a core of its own. Default: where that can be. */
  isPinned?: boolean
  tables: readonly (string | null)[]
  samples: object
}

/** Prints the results of a run and keeps them. */
export async function report(name: string, results: Results): Promise<void> {
  const { about, loadBefore, others, isPinned, samples } = results
  const tables = results.tables.filter((table) => table !== null)
  const machine = describeMachine(isPinned)
  const loads = `Load average ${loadBefore.toFixed(2)} before, ${load().toFixed(2)} after.`
  const header = `${about}. ${machine}. ${others ? `${others}. ` : ''}${loads}`
  console.log(`\n## ${name}\n\n${header}\n\n${tables.join('\n\n')}\n`)
  const folder = new URL('results/', import.meta.url)
  await mkdir(folder, { recursive: true })
  const path = new URL(`${name}-${new Date().toISOString().replace(/[:.]/g, '-')}.json`, folder)
  await writeFile(path, `${JSON.stringify({ name, machine, about, others, loadBefore, samples }, null, 2)}\n`)
}

// Runs the operator's program for one deployment: what it is about goes in as JSON, and never into
// its arguments or its environment.
import { createHash } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { plainLine } from '../../untrusted/inert.ts'
import { entryAt, readInside } from '../../workspaces/inside.ts'
import type { AgentContext } from '../agent.ts'
import { environmentOf } from '../command/program.ts'
import type { Isolation } from '../isolation/isolation.ts'
import type { IsolationOptions } from '../isolation/options.ts'
import { exitText, runProgram } from '../isolation/run-program.ts'
import type { Argv, EnvironmentOptions } from './options.ts'

/** What a program gets, as JSON. */
export type ScriptInput = {
  kind: 'deploy' | 'rollback'
  environment: string
  repository: string
  sha: string
  version: string
  /** What is live, if anything is that Signalbox has deployed. */
  previous: { sha: string; version: string } | null
  /** Of an automatic rollback: what failed. */
  failed?: { sha: string; version: string }
  actor: string | null
  job: { id: string; rule: string }
}

/** How it ended, and what it says of where the deployment is. */
export type ScriptEnd = { problem: string } | { problem: null; url?: string; version?: string }

type Context = Pick<AgentContext<unknown>, 'checkout' | 'log' | 'signal' | 'workspace'>

const OUTPUT_FILE = 'output.json'
const MAX_OUTPUT_BYTES = 64_000

const said = z.object({
  url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .optional(),
  version: z.string().min(1).max(1000).optional(),
})

/**
 * Runs it in a new folder, or in a checkout of the commit; null if it may not begin.
 * @throws GiveUp when it cannot be started; the reason of the signal when that aborts.
 */
export async function runScript(
  context: Context,
  {
    argv,
    input,
    options,
    shared,
    isolation,
    mayBegin,
  }: {
    argv: Argv
    input: ScriptInput
    options: EnvironmentOptions
    shared: IsolationOptions
    isolation: Isolation
    /** Asked once all is there that it needs. */
    mayBegin(): Promise<boolean>
  },
): Promise<ScriptEnd | null> {
  const home = await context.workspace()
  const { repository, sha } = input
  const checkout = options.checkout === true ? await context.checkout({ repository, ref: sha }) : null
  const [inputPath, outputPath] = [join(home, 'input.json'), join(home, OUTPUT_FILE)]
  const json = JSON.stringify(input)
  await writeFile(inputPath, json, { mode: 0o600 })
  if (!(await mayBegin())) return null
  const { timeoutMs = 30 * 60_000 } = options
  const timeUp = AbortSignal.timeout(timeoutMs)
  const ended = await runProgram(
    {
      argv,
      env: { ...environmentOf(home, options.env), SIGNALBOX_INPUT: inputPath, SIGNALBOX_OUTPUT: outputPath },
      cwd: checkout?.folder ?? home,
      read: [...(shared.read ?? []), ...(checkout ? [checkout.objects] : [])],
      write: shared.write ?? [],
      own: [home, ...(checkout ? [checkout.folder] : [])],
      limits: shared.limits,
      folder: context.workspace,
      log: context.log,
      signal: AbortSignal.any([context.signal, timeUp]),
      input: json,
      maxAnswerChars: 0,
    },
    isolation,
  ).catch((error: unknown) => {
    if (timeUp.aborted && !context.signal.aborted) return null
    throw error
  })
  if (ended === null) return { problem: `it had not ended after ${timeoutMs / 1000} s` }
  if (ended.exit.code !== 0) return { problem: exitText(ended.exit).replace(/^ended with /, '') }
  return { problem: null, ...(await readSaid(home, context.log)) }
}

/** What it wrote to its output file, if that is of use. */
async function readSaid(home: string, log: Context['log']): Promise<{ url?: string; version?: string }> {
  try {
    if ((await entryAt(home, OUTPUT_FILE)) === null) return {}
    const bytes = await readInside(home, OUTPUT_FILE, MAX_OUTPUT_BYTES)
    const { url, version } = said.parse(JSON.parse(bytes.toString('utf8')))
    return { ...(url && { url }), ...(version && { version: plainLine(version, 100) }) }
  } catch {
    log('what the program wrote to SIGNALBOX_OUTPUT is no JSON object with url and version; it is ignored')
    return {}
  }
}

/** The hash of programs: their arguments, and the files that these name by whole paths. */
export async function scriptHash(programs: readonly Argv[]): Promise<string> {
  const hash = createHash('sha256')
  for (const argv of programs) {
    hash.update(JSON.stringify(argv))
    for (const path of argv.filter((word) => isAbsolute(word))) {
      const isFile = await stat(path).then(
        (found) => found.isFile(),
        () => false,
      )
      if (isFile) hash.update(await readFile(path))
    }
  }
  return hash.digest('hex')
}

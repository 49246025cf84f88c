// What `init` asks: where the repository is, how GitHub is reached, and which model there is.
import type { Environment } from '../../lib/environment.ts'
import { environmentProblems } from '../../lib/environment.ts'
import type { Ask } from '../ask.ts'
import type { Cli } from '../terminal.ts'
import type { Asked } from './settings.ts'

/** What was answered: variables by name, and whether a GitHub App is to be made. */
export type Answers = { values: Partial<Record<Asked, string>>; makesApp: boolean }

const KEYS = { anthropic: 'ANTHROPIC_API_KEY', openai: 'OPENAI_API_KEY' } as const

/** What is known before anything is asked. */
export type Known = { environment: Environment; found: string | null; makesApp: boolean }

type Asking = (name: Asked, question: string, hidden?: boolean) => Promise<string>

/** Asks for what is not set yet; an empty answer leaves it for later. */
export async function askAll(cli: Pick<Cli, 'err'>, ask: Ask, known: Known): Promise<Answers> {
  const { environment, found } = known
  const values: Answers['values'] = {}
  const asking: Asking = async (name, question, hidden = false) => {
    const answer = await valid(cli, ask, { name, question, hidden })
    if (answer !== '') values[name] = answer
    return answer
  }
  if (environment.GITHUB_REPO === undefined) {
    const shown = found === null ? '(owner/name, empty for later)' : `[${found}]`
    const answer = await asking('GITHUB_REPO', `Repository on GitHub ${shown}: `)
    if (answer === '' && found !== null) values.GITHUB_REPO = found
  }
  const makesApp = known.makesApp || (await wantsApp(ask, asking, environment))
  if (makesApp && environment.SIGNALBOX_PUBLIC_URL === undefined) {
    await asking('SIGNALBOX_PUBLIC_URL', 'Address of this server from outside, such as https://hooks.example.com: ')
  }
  if (environment.SIGNALBOX_MODEL === undefined) await askForModel(asking, environment)
  return { values, makesApp }
}

/** How GitHub is reached, where that is not set; asks for the token, too. */
async function wantsApp(ask: Ask, asking: Asking, environment: Environment): Promise<boolean> {
  if (environment.GITHUB_TOKEN !== undefined || environment.GITHUB_APP_ID !== undefined) return false
  const way = await ask('Reach GitHub by a token, by an App of your own, or later? [token/app/later]: ')
  if (/^(?:t|token)?$/i.test(way)) await asking('GITHUB_TOKEN', 'Token (not shown, empty for later): ', true)
  return /^(?:a|app)$/i.test(way)
}

async function askForModel(asking: Asking, environment: Environment): Promise<void> {
  const model = await asking('SIGNALBOX_MODEL', 'Model, such as anthropic/claude-sonnet-4-5 (empty for none): ')
  const provider = Object.entries(KEYS).find(([name]) => model.startsWith(`${name}/`))?.[1]
  if (provider === undefined || environment[provider] !== undefined) return
  await asking(provider, 'Its key (not shown, empty for later): ', true)
}

/** Asks until the answer is one that the variable can have, or none. */
async function valid(
  cli: Pick<Cli, 'err'>,
  ask: Ask,
  { name, question, hidden }: { name: Asked; question: string; hidden: boolean },
): Promise<string> {
  for (;;) {
    const answer = await ask(question, { hidden })
    const [problem] = answer === '' ? [] : environmentProblems({ [name]: answer })
    if (problem === undefined) return answer
    cli.err(`  ${name}: ${problem.sentence}.\n`)
  }
}

// What a command knows of its surroundings: a test passes others.
import type { Ask } from './ask.ts'
import { json as jsonText } from './text.ts'

/** Styles a command may ask for; they vanish where colour is not wanted. */
type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** The surroundings of one run of the command line. */
export type Terminal = {
  env: Record<string, string | undefined>
  /** The variables of `env` that come from the folder's .env file. */
  fromEnvFile: ReadonlySet<string>
  /** The working directory. */
  folder: string
  /**
   * Width in characters; undefined when the output goes to a file or a pipe, whose lines are never
   * cut.
   */
  columns: number | undefined
  out(text: string): void
  err(text: string): void
  readInput(): Promise<string>
  /** Asks whoever sits there for one line; absent where nobody does. */
  ask?: Ask
  paint(style: Style, text: string): string
}

/** What every command is given. */
export type Cli = Terminal & {
  /** Whether `--json` was given. */
  json(): boolean
  /** Prints a result: the value itself with `--json`, else the text made of it. */
  print(value: unknown, text: () => string): void
}

/** A terminal with the two ways to print a result. */
export function cliOver(terminal: Terminal, json: () => boolean): Cli {
  return {
    ...terminal,
    json,
    print: (value, text) => terminal.out(`${json() ? jsonText(value, 2) : text()}\n`),
  }
}

// What long work says of itself while it goes on, on a terminal.
import type { Cli } from './terminal.ts'

/** One line that is written over and over, and is gone at the end. */
export type Progress = { say(text: string): void; end(): void }

/** Says nothing where the output goes to a file or a program. */
export function progressOn({ columns, err, json }: Pick<Cli, 'columns' | 'err' | 'json'>): Progress {
  const isShown = columns !== undefined && !json()
  let isSaid = false
  const write = (text: string) => err(`\r\u001b[2K${text}`)
  return {
    say(text) {
      if (isShown) write(text)
      isSaid = isShown
    },
    end() {
      if (isSaid) write('')
      isSaid = false
    },
  }
}

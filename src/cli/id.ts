// The id a command is given: whole, or a part of it that no other row has.
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'

const EXPLANATION = 'the id, or at least 6 characters of its beginning or end, as lists show it'

/** Adds the argument that names one row: a job, an event or a delivery. */
export function withId(command: Command, noun: string): Command {
  return command.argument(`<${noun}-id>`, EXPLANATION, (value: string) => {
    if (value.trim() !== '') return value
    throw new InvalidArgumentError(`Give the id of ${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}.`)
  })
}

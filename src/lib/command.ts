// What a command takes: its arguments with their types, read from the words that were written.
import { z } from 'zod'
import { didYouMean, nearest } from './nearest.ts'

const NAME = /^[a-z][a-z0-9-]{0,31}$/
const ARGUMENT = /^(?:--)?[a-z][a-z0-9-]{0,31}\??$/

const name = z.string().regex(NAME, 'must be 1 to 32 small letters, digits or "-", without the "/"')
const argument = z.union(
  [z.enum(['string', 'number', 'boolean', 'text']), z.array(z.string().min(1).max(100)).min(1).max(100).readonly()],
  "must be 'string', 'number', 'boolean', 'text' or a list of the values allowed",
)

/** How a rule describes a command. */
export const commandSchema = z.strictObject({
  name,
  aliases: z.array(name).max(20).readonly().optional(),
  arguments: z
    .record(z.string().regex(ARGUMENT, 'must be a name such as environment, ref? or --dry-run'), argument)
    .refine((given) => isOrdered(Object.entries(given)), 'optional ones, and text, must be the last without "--"')
    .optional(),
  description: z.string().min(1).max(200).optional(),
})

/**
 * A command: its name, other names, and its arguments. Those without `--` are given in their order,
 * and a `?` makes one optional; `text` takes all words that are left; those with `--` may be
 * anywhere, and may be absent.
 */
export type Command = z.infer<typeof commandSchema>

type Type = z.infer<typeof argument>
type Spec = { name: string; type: Type; isFlag: boolean; isOptional: boolean }

/** The arguments as they were given, by name; or what is wrong with them, as a sentence. */
export type Arguments = { values: Record<string, unknown> } | { problem: string }

/** Whether a command has this name, or another of its names. */
export function isNamed({ name: own, aliases = [] }: Command, given: string): boolean {
  return own === given || aliases.includes(given)
}

/** How a command is written: `/deploy <environment> [ref] [--dry-run]`. */
export function usageOf(command: Command): string {
  const parts = specsOf(command).map(({ name, type, isFlag, isOptional }) => {
    if (isFlag)
      return type === 'boolean' ? `[--${name}]` : `[--${name} <${typeof type === 'string' ? type : type.join('|')}>]`
    const shown = typeof type === 'string' ? name : type.join('|')
    return isOptional ? `[${shown}]` : `<${shown}>`
  })
  return [`/${command.name}`, ...parts].join(' ')
}

/** The names of a command's arguments, as an agent gets them. */
export function argumentNames(command: Command): string[] {
  return specsOf(command).map(({ name }) => name)
}

/** Those of them that must be given. */
export function requiredArguments(command: Command): string[] {
  return specsOf(command).flatMap(({ name, isFlag, isOptional }) => (isFlag || isOptional ? [] : [name]))
}

/** Reads the words after a command's name. */
export function readArguments(command: Command, words: readonly string[]): Arguments {
  const specs = specsOf(command)
  const split = splitFlags(specs, words)
  if ('problem' in split) return split
  const { given, rest } = split
  for (const { name, type } of specs.filter(({ isFlag }) => !isFlag)) {
    const value = type === 'text' ? rest.splice(0).join(' ') : rest.shift()
    if (value) given.set(name, value)
  }
  if (rest.length > 0) return { problem: `${JSON.stringify(rest[0])} is one word too many` }
  return typed(specs, given)
}

type Split = { given: Map<string, string>; rest: string[] } | { problem: string }

/** The words that begin with `--`, with their values, and the others. */
function splitFlags(specs: readonly Spec[], words: readonly string[]): Split {
  const flags = new Map(specs.flatMap((spec) => (spec.isFlag ? [[spec.name, spec] as const] : [])))
  const given = new Map<string, string>()
  const rest: string[] = []
  const left = words[Symbol.iterator]()
  for (const word of left) {
    const [, flag, own] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? []
    if (flag === undefined) {
      rest.push(word)
      continue
    }
    const type = flags.get(flag)?.type
    if (type === undefined) return { problem: unknownFlag(flag, flags.keys()) }
    if (given.has(flag)) return { problem: `--${flag} is given twice` }
    const value: string | undefined = own ?? (type === 'boolean' ? 'true' : left.next().value)
    if (value === undefined) return { problem: `--${flag} needs ${wordFor(type)}` }
    given.set(flag, value)
  }
  return { given, rest }
}

function unknownFlag(flag: string, known: Iterable<string>): string {
  const meant = nearest(flag, known)
  return `there is no --${flag}${meant === null ? '' : `; did you mean "--${meant}"?`}`
}

function typed(specs: readonly Spec[], given: ReadonlyMap<string, string>): Arguments {
  const values: Record<string, unknown> = {}
  for (const spec of specs) {
    const text = given.get(spec.name)
    const shown = spec.isFlag ? `--${spec.name}` : spec.name
    if (text === undefined) {
      if (!spec.isFlag && !spec.isOptional) return { problem: `${shown} is missing` }
      continue
    }
    const value = typedValue(spec.type, text)
    if (value === undefined) {
      const hint = typeof spec.type === 'string' ? '' : didYouMean(text, spec.type)
      return { problem: `${shown} must be ${wordFor(spec.type)}, not ${JSON.stringify(text)}${hint}` }
    }
    values[spec.name] = value
  }
  return { values }
}

function typedValue(type: Type, text: string): unknown {
  if (typeof type !== 'string') return type.includes(text) ? text : undefined
  if (type === 'number') return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : undefined
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  return text
}

function wordFor(type: Type): string {
  if (typeof type !== 'string') return type.join(' or ')
  return { string: 'a text', text: 'a text', number: 'a number', boolean: 'true or false' }[type]
}

function specsOf({ arguments: all = {} }: Command): Spec[] {
  return Object.entries(all).map(([key, type]) => ({
    name: key.replace(/^--|\?$/g, ''),
    type,
    isFlag: key.startsWith('--'),
    isOptional: key.endsWith('?'),
  }))
}

/** Whether each argument has a place of its own: what may be absent is after what may not. */
function isOrdered(all: readonly [string, Type][]): boolean {
  const positional = all.filter(([key]) => !key.startsWith('--'))
  const names = all.map(([key]) => key.replace(/^--|\?$/g, ''))
  return (
    new Set(names).size === names.length &&
    positional.every(([key, type], at) => {
      const next = positional[at + 1]
      return next === undefined || (type !== 'text' && (!key.endsWith('?') || next[0].endsWith('?')))
    })
  )
}

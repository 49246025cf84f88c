// A `.env` file as text: variables are added to it, and nothing that it says is changed (pure).
import { parseEnv } from 'node:util'
import { CliError } from '../failure.ts'

const EXPORT = /^export[ \t]+/

/** A variable to set, and a comment that says what it is for. */
export type Setting = { name: string; value: string; comment: string }

/** The variables of a `.env` file that have a value. */
export function variablesIn(text: string): ReadonlyMap<string, string> {
  return new Map(Object.entries(parseEnv(text)).flatMap(([name, value]) => (value?.trim() ? [[name, value]] : [])))
}

/**
 * The text with these variables: in the line where one stands without a value, else at the end.
 * @throws CliError `env_file_unusable` when what is written would not be read as it is meant.
 */
export function withSettings(text: string, settings: readonly Setting[]): string {
  const before = variablesIn(text)
  const wanted = new Map([...before, ...settings.map(({ name, value }) => [name, value] as const)])
  const candidates = [settings.reduce(filledIn, text), settings.reduce(appended, text)]
  const found = candidates.find((candidate) => {
    const after = variablesIn(candidate)
    return after.size === wanted.size && [...wanted].every(([name, value]) => after.get(name) === value)
  })
  if (found !== undefined) return found
  const hint = 'Look for a quotation mark that is opened and not closed, and run it again.'
  throw new CliError('env_file_unusable', 'What is added to .env would not be read as it is meant.', hint)
}

/**
 * The text with another secret of a variable, behind those that it has: several are live, separated
 * by commas.
 */
export function withSecret(text: string, setting: Setting): string {
  const known = variablesIn(text).get(setting.name)
  if (known === undefined) return withSettings(text, [setting])
  const value = `${known},${setting.value}`
  const replaced = eachLine(text, (each) => (valueIn(each, setting.name) === null ? each : line({ ...setting, value })))
  // Of several lines Node.js takes the last.
  return variablesIn(replaced).get(setting.name) === value ? replaced : appended(text, { ...setting, value })
}

function filledIn(text: string, setting: Setting): string {
  const isEmpty = (each: string) => valueIn(each, setting.name)?.trim() === ''
  if (text.split('\n').filter(isEmpty).length !== 1) return appended(text, setting)
  return eachLine(text, (each) => (isEmpty(each) ? line(setting) : each))
}

/** What a line says of a variable; null when it is of another, or of none. */
function valueIn(textLine: string, name: string): string | null {
  const bare = textLine.replace(EXPORT, '')
  return bare.startsWith(`${name}=`) ? bare.slice(name.length + 1) : null
}

function eachLine(text: string, change: (textLine: string) => string): string {
  return text.split('\n').map(change).join('\n')
}

function appended(text: string, setting: Setting): string {
  const end = text === '' || text.endsWith('\n') ? '' : '\n'
  return `${text}${end}# ${setting.comment}\n${line(setting)}\n`
}

/** In quotes where the shell, systemd or Node.js would read it otherwise. */
function line({ name, value }: Setting): string {
  if (/^[\w.:/@+=,-]*$/.test(value)) return `${name}=${value}`
  if (value.includes('\n')) return `${name}="${value.replaceAll('\n', '\\n')}"`
  const quote = ["'", '"', '`'].find((mark) => !value.includes(mark)) ?? "'"
  return `${name}=${quote}${value}${quote}`
}

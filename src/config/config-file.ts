// `signalbox.config.ts`: the sources, rules, agents and endpoints of one installation.
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Agent } from '../agents/agent.ts'
import type { EndpointConfig } from '../endpoints/endpoint.ts'
import type { MuteOptions } from '../findings/precision.ts'
import { AppError, errorText } from '../lib/error.ts'
import type { Prices } from '../models/prices.ts'
import type { Rule } from '../rules/rule.ts'
import type { Source } from '../sources/source.ts'
import { errorPlace } from './error-place.ts'

/** What a configuration file may say; everything is optional. */
export type Config = {
  /** Sources beside GitHub and Agenta. */
  sources?: readonly Source[]
  /** Replaces the default rules; `defaultRules` may be spread in. */
  rules?: readonly Rule[]
  /** Agents beside the built-in ones. */
  agents?: readonly Agent[]
  /** Endpoints to deliver to; those made through the API stay. */
  endpoints?: readonly EndpointConfig[]
  /** What models cost: US dollars for a million tokens, by model as rules name it. */
  prices?: Prices
  /** When a category of findings that people mostly dismiss mutes itself; `false`: never. */
  mute?: MuteOptions
}

/** What the file may be called; the first that is there is read. */
export const FILE_NAMES = ['signalbox.config.ts', 'signalbox.config.mts', 'signalbox.config.js', 'signalbox.config.mjs']
const LISTS = ['sources', 'rules', 'agents', 'endpoints']
const KEYS = [...LISTS, 'prices', 'mute']

/** Types a configuration, and returns it. */
export function defineConfig(config: Config): Config {
  return config
}

/** A configuration with the file it came from; no file means no entries. */
export type LoadedConfig = { config: Config; path: string | null }

// A configuration may stand in any folder, so `signalbox` means this very program there, installed
// or not.
function resolveOwnName(): void {
  const own = new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url).href
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'signalbox' ? { url: own, shortCircuit: true } : next(specifier, context),
  })
}

/**
 * Loads the configuration of a folder, or the named file.
 * @throws AppError `config_invalid` naming the file and what is wrong with it.
 */
export async function loadConfig(folder: string, file?: string): Promise<LoadedConfig> {
  const candidates = (file ? [file] : FILE_NAMES).map((name) => resolve(folder, name))
  const path = candidates.find((candidate) => existsSync(candidate))
  if (path === undefined) {
    if (file) throw new AppError('config_invalid', `There is no configuration file ${file}.`)
    return { config: {}, path: null }
  }
  resolveOwnName()
  const module = await import(pathToFileURL(path).href).catch(async (error: unknown) => {
    const problem = `${await errorPlace(error, path)}: ${errorText(error)}`
    throw new AppError('config_invalid', `${problem}${moduleRemedy(error)}`, { cause: error })
  })
  const config: unknown = module.default
  if (typeof config !== 'object' || config === null) {
    throw new AppError('config_invalid', `${path} must have "export default defineConfig({ … })".`)
  }
  const unknown = Object.keys(config).filter((key) => !KEYS.includes(key))
  if (unknown.length > 0) {
    throw new AppError('config_invalid', `${path}: ${unknown.join(', ')}: unknown; the keys are ${KEYS.join(', ')}.`)
  }
  const [single] = Object.entries(config).find(([key, value]) => isWrongList(key, value)) ?? []
  if (single !== undefined) throw new AppError('config_invalid', `${path}: ${single}: must be a list.`)
  return { config: inFolder(config as Config, dirname(path)), path }
}

/** Entries that are not agents are refused later, with the others. */
function inFolder(config: Config, folder: string): Config {
  if (config.agents === undefined) return config
  return { ...config, agents: config.agents.map((agent) => agent?.inFolder?.(folder) ?? agent) }
}

function isWrongList(key: string, value: unknown): boolean {
  return LISTS.includes(key) && value !== undefined && !Array.isArray(value)
}

/** What `npm init` writes makes of every file beside it a CommonJS one. */
function moduleRemedy(error: unknown): string {
  return /import statement outside a module|Unexpected token 'export'/.test(errorText(error))
    ? '; the package.json of this folder says that its files are CommonJS: run "npm pkg set type=module"'
    : ''
}

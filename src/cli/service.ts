// Running the service: started, announced, and stopped by a signal.
import { flushCompileCache } from 'node:module'
import { resolve } from 'node:path'
import type { Store } from '../db/store.ts'
import { openStore } from '../db/store.ts'
import { addressOf, requireFree } from '../http/listen.ts'
import type { Environment } from '../lib/environment.ts'
import { unusedVariables } from '../lib/environment.ts'
import { openLog } from '../lib/pino-log.ts'
import type { Signalbox } from '../main.ts'
import { openSignalbox } from '../main.ts'
import { keepToken, tokenFile } from './api-token.ts'
import { bannerOf, bannerText } from './banner.ts'
import { loadSettings } from './config-file.ts'
import { keepKey } from './encryption-key.ts'
import { CliError } from './failure.ts'
import { keepAddress } from './own-server.ts'
import { keepSigningKey } from './signing-key.ts'
import { awaitStop } from './stop.ts'
import type { Cli } from './terminal.ts'

/** The options of `dev` and `serve`. */
export type StartOptions = { config?: string; port?: string; host?: string; only?: 'receiver' | 'orchestrator' }

async function endpointsOf({ database }: Store): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    `select count(*)::int as n from signalbox.endpoints where status = 'active'`,
  )
  return rows[0]?.n ?? 0
}

/** `dev` makes a key for itself. */
async function signingKeysOf(cli: Cli, mode: 'dev' | 'serve', environment: Environment): Promise<string[]> {
  const { SIGNALBOX_SIGNING_KEY: keys, SIGNALBOX_DATA_DIR: dataDir } = environment
  return mode === 'dev' && keys.length === 0 ? [await keepSigningKey(resolve(cli.folder, dataDir))] : keys
}

/** Runs the service until something stops it: `dev` on this machine only, with a log for people. */
export async function runService(cli: Cli, mode: 'dev' | 'serve', options: StartOptions): Promise<void> {
  const { environment, config, path } = await loadSettings(cli, options)
  const { only } = options
  if (only !== undefined && environment.DATABASE_URL === undefined) {
    throw new CliError(
      'config_invalid',
      `"--only ${only}" needs a database that several processes can share.`,
      'Set DATABASE_URL, or leave --only away: one process does both.',
    )
  }
  const log = openLog({ level: environment.ORCHESTRATOR_LOG_LEVEL, pretty: mode === 'dev' && !cli.json() })
  for (const each of unusedVariables(environment)) log.warn(each)
  const roles = { receiver: only !== 'orchestrator', orchestrator: only !== 'receiver' }
  const stop = awaitStop(log)
  let store: Store | undefined
  let service: Signalbox | undefined
  let forgetAddress: (() => Promise<void>) | undefined
  try {
    // First, so that a start that fails makes no data directory.
    if (roles.receiver) await requireFree(addressOf(mode, environment))
    store = await openStore({ environment, log })
    const { SIGNALBOX_API_TOKEN: token, SIGNALBOX_DATA_DIR: dataDir, SIGNALBOX_ENCRYPTION_KEY: keys } = environment
    const makesToken = mode === 'dev' && token === undefined
    const apiToken = makesToken ? await keepToken(resolve(cli.folder, dataDir)) : token
    const makesKey = mode === 'dev' && keys.length === 0
    const encryptionKeys = makesKey ? [await keepKey(resolve(cli.folder, dataDir))] : keys
    service = await openSignalbox({
      environment: {
        ...environment,
        SIGNALBOX_API_TOKEN: apiToken,
        SIGNALBOX_ENCRYPTION_KEY: encryptionKeys,
        SIGNALBOX_SIGNING_KEY: await signingKeysOf(cli, mode, environment),
      },
      config,
      configPath: path,
      store,
      mode,
      roles,
      log,
    })
    if (mode === 'dev' && service.url !== null)
      forgetAddress = await keepAddress(resolve(cli.folder, dataDir), service.url)
    const endpoints = await endpointsOf(store)
    const banner = bannerOf({
      mode,
      environment,
      configPath: path,
      store,
      service,
      roles,
      endpoints,
      tokenFile: makesToken ? tokenFile(dataDir) : null,
    })
    cli.print(banner, () => bannerText(cli, banner, environment))
    // Node would keep what it compiled at the exit, which SIGKILL leaves no time for.
    flushCompileCache()
    const reason = await Promise.race([stop.stopped, service.drained])
    if (reason !== undefined) log.info({ reason }, 'stopping once running work is done')
  } finally {
    await forgetAddress?.()
    await service?.close()
    await store?.close()
    stop.letGo()
  }
}

// A delivery as a command for a shell, signed anew: what it is sent, tried by hand.
import type { Sql } from '../db/database.ts'
import type { Seal } from '../endpoints/seal.ts'
import { CONTROLS } from '../lib/control-characters.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import type { PreparingParts } from './attempt.ts'
import { prepare } from './attempt.ts'
import type { PreparedRequest } from './kinds/kind.ts'
import { openLoader } from './load.ts'
import { noDelivery } from './query.ts'

/** Made by `curl` itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['content-length', 'host', 'user-agent'])

/** What reading a delivery to show it needs. */
export type CurlParts = PreparingParts & { looking: Sql; seal: Seal }

/**
 * The command that sends what the next attempt of a delivery would: the same bytes, with signatures
 * made now, which receivers take for some minutes. The values of the endpoint's own headers are
 * left for the reader to fill in.
 * @throws AppError `not_found`; `conflict` where it is not sent as a webhook, or not at all.
 */
export async function curlCommand({ looking, seal, ...parts }: CurlParts, id: string): Promise<string> {
  if (!isUuid(id)) throw noDelivery(id)
  const load = openLoader(looking, { seal, clock: parts.clock })
  return load(id, (loaded) => {
    if (loaded === null) throw noDelivery(id)
    const { endpoint, unreadable } = loaded
    if (unreadable !== null) throw new AppError('secret_unreadable', unreadable)
    if (endpoint.kind !== 'webhook') {
      throw new AppError('conflict', `Its endpoint is of the kind ${endpoint.kind}: only webhooks can be sent by hand.`)
    }
    const prepared = prepare(parts, loaded, { id })
    if (prepared.by !== 'http') throw new AppError('conflict', 'There is nothing to send for it.')
    return curl(prepared, new Set(Object.keys(endpoint.headers)))
  })
}

function curl({ url, headers, body }: PreparedRequest, secret: ReadonlySet<string>): string {
  const options = Object.entries(headers)
    .filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()))
    .map(([name, value]) => `-H ${quoted(`${name}: ${secret.has(name) ? '<its value>' : value}`)}`)
  const bytes = Buffer.from(body)
  const text = bytes.toString('utf8')
  // Other bytes, and NUL, are no argument of a command, and a terminal would act on the rest.
  const isText = Buffer.from(text).equals(bytes) && text.search(CONTROLS) === -1
  const command = [`curl -X POST ${quoted(url)}`, ...options]
  if (isText) return [...command, `--data-binary ${quoted(text)}`].join(' \\\n  ')
  return `echo ${bytes.toString('base64')} | base64 -d |\\\n  ${[...command, '--data-binary @-'].join(' \\\n  ')}`
}

/** In single quotes, in which a shell reads everything as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

// Agenta's API, as far as a deployment needs it: an application, a variant, and one revision.
import { EnvHttpProxyAgent, fetch } from 'undici'
import { z } from 'zod'
import { errorText, GiveUp, RetryAt } from '../../lib/error.ts'
import type { JsonObject } from '../../lib/json.ts'
import { isObject } from '../../lib/json.ts'

const TIMEOUT_MS = 20_000
const MAX_ANSWER_BYTES = 10_000_000
const MAX_RETRY_AFTER_SECONDS = 3600
const CHECK_URL = 'AGENTA_API_URL is to be the address of the API, such as https://cloud.agenta.ai/api'

/** An application or a variant. */
export type AgentaNamed = { id: string; slug: string | null; name: string | null }

/** One revision of an application; `parameters` is its configuration. */
export type AgentaRevision = {
  id: string
  version: string | null
  message: string | null
  applicationId: string | null
  variantId: string | null
  parameters: JsonObject | null
}

/**
 * Reads Agenta. A method returns null for an id that Agenta does not know; it says the same of one
 * that it failed to look up.
 * @throws GiveUp for a key or an address that is wrong, RetryAt when Agenta names a time, any other
 * error when it does not answer.
 */
export type AgentaApi = {
  application(id: string, signal: AbortSignal): Promise<AgentaNamed | null>
  variant(id: string, signal: AbortSignal): Promise<AgentaNamed | null>
  revision(id: string, signal: AbortSignal): Promise<AgentaRevision | null>
}

/** Where the API is, and what requests are sent with. */
export type AgentaApiOptions = {
  url: string
  key: string
  proxies?: { HTTP_PROXY?: string | undefined; HTTPS_PROXY?: string | undefined; NO_PROXY?: string | undefined }
}

const named = z.object({ id: z.string(), slug: z.string().nullish(), name: z.string().nullish() })
const revision = z.object({
  id: z.string(),
  version: z.union([z.string(), z.int().transform(String)]).nullish(),
  message: z.string().nullish(),
  application_id: z.string().nullish(),
  application_variant_id: z.string().nullish(),
  data: z.object({ parameters: z.custom<JsonObject>(isObject).nullish() }).nullish(),
})

/**
 * Opens the API. The routes are those of `api/oss/src/apis/fastapi/applications/router.py` in
 * https://github.com/Agenta-AI/agenta; what is null there is left out.
 */
export function agentaApi({ url, key, proxies = {} }: AgentaApiOptions): AgentaApi {
  const ask = asking({ base: url.replace(/(?<!\/)\/+$/, ''), key, proxies })
  return {
    application: async (id, signal) =>
      nameOf(await ask(`/applications/${encodeURIComponent(id)}`, 'application', named, { signal })),
    variant: async (id, signal) =>
      nameOf(await ask(`/applications/variants/${encodeURIComponent(id)}`, 'application_variant', named, { signal })),
    async revision(id, signal) {
      const body = { application_revision_ref: { id } }
      const found = await ask('/applications/revisions/retrieve', 'application_revision', revision, { body, signal })
      return (
        found && {
          id: found.id,
          version: found.version ?? null,
          message: found.message ?? null,
          applicationId: found.application_id ?? null,
          variantId: found.application_variant_id ?? null,
          parameters: found.data?.parameters ?? null,
        }
      )
    },
  }
}

function nameOf(found: z.infer<typeof named> | null): AgentaNamed | null {
  return found && { id: found.id, slug: found.slug ?? null, name: found.name ?? null }
}

type Asked = { body?: object; signal: AbortSignal }

function asking({
  base,
  key,
  proxies,
}: {
  base: string
  key: string
  proxies: NonNullable<AgentaApiOptions['proxies']>
}) {
  const dispatcher = new EnvHttpProxyAgent({
    // Set in any case, because undici would read the process's own variables.
    httpProxy: proxies.HTTP_PROXY ?? '',
    httpsProxy: proxies.HTTPS_PROXY ?? '',
    noProxy: `${proxies.NO_PROXY ?? ''},localhost,127.0.0.1,[::1]`,
    maxResponseSize: MAX_ANSWER_BYTES,
  })
  return async <Schema extends z.ZodType>(
    path: string,
    field: string,
    schema: Schema,
    { body, signal }: Asked,
  ): Promise<z.infer<Schema> | null> => {
    const answer = await fetch(`${base}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `ApiKey ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      dispatcher,
      // A redirect would take the key along.
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw new Error(`Agenta's API did not answer: ${errorText(causeOf(error))}`)
    })
    const text = await answer.text()
    if (!answer.ok) throw refusal(answer.status, answer.headers.get('retry-after'), path)
    return read(text, field, schema)
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error
}

/** What an answer that is no success means for the job. */
function refusal(status: number, retryAfter: string | null, path: string): Error {
  const what = `Agenta's API answered ${status} to ${path}`
  if (status === 401 || status === 403) {
    return new GiveUp(`${what}: AGENTA_API_KEY is to be a key that may view the applications of this project.`)
  }
  if (status === 429 && /^\d{1,6}$/.test(retryAfter ?? '')) {
    const seconds = Math.min(Number(retryAfter), MAX_RETRY_AFTER_SECONDS)
    return new RetryAt(new Date(Date.now() + seconds * 1000), `${what}.`)
  }
  if (status === 404 || status === 405) return new GiveUp(`${what}: ${CHECK_URL}.`)
  return status === 429 || status >= 500 ? new Error(`${what}.`) : new GiveUp(`${what}.`)
}

/** The member of Agenta's envelope, `{ count, application }`; null when nothing was found. */
function read<Schema extends z.ZodType>(text: string, field: string, schema: Schema): z.infer<Schema> | null {
  const answer = envelope(text)
  if (answer === null) throw new GiveUp(`What answered is not Agenta's API: ${CHECK_URL}.`)
  if (answer[field] === undefined || answer[field] === null) return null
  const { data, success } = schema.safeParse(answer[field])
  if (!success) throw new GiveUp(`Agenta's API answered with ${field} in a form that is not known here.`)
  return data
}

function envelope(text: string): Record<string, unknown> | null {
  try {
    const answer: unknown = JSON.parse(text)
    return isObject(answer) && typeof answer.count === 'number' ? answer : null
  } catch {
    return null
  }
}

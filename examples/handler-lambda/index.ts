// The handler on AWS Lambda, with a function URL or an HTTP API (payload format 2.0).
import { handlerFromEnvironment } from '../handler-node/handler.ts'

/**
 * The part of Lambda's event that is read here:
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
 */
export type LambdaRequest = {
  rawPath: string
  rawQueryString?: string
  headers: Record<string, string | undefined>
  requestContext: { domainName: string; http: { method: string } }
  body?: string
  isBase64Encoded?: boolean
}

/** Lambda's response. */
export type LambdaResponse = { statusCode: number; headers: Record<string, string>; body: string }

const handle = handlerFromEnvironment()

/** Converts the event to a web-standard request with the same bytes, and the response back. */
export async function handler(event: LambdaRequest): Promise<LambdaResponse> {
  const request = toRequest(event)
  const response = request === null ? new Response('malformed request', { status: 400 }) : await handle(request)
  return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
}

/** The request, or null for a method or a header that no web-standard request can have. */
function toRequest(event: LambdaRequest): Request | null {
  const { method } = event.requestContext.http
  const url = `https://${event.requestContext.domainName}${event.rawPath}?${event.rawQueryString ?? ''}`
  const body = event.body === undefined ? null : Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8')
  const hasBody = method !== 'GET' && method !== 'HEAD'
  try {
    const headers = new Headers()
    for (const [name, value] of Object.entries(event.headers)) if (value !== undefined) headers.append(name, value)
    return new Request(url, { method, headers, body: hasBody ? body : null })
  } catch {
    return null
  }
}

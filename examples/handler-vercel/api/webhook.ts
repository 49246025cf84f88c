// The handler as a Vercel Function: https://vercel.com/docs/functions
import { handlerFromEnvironment } from '../../handler-node/handler.ts'

const handle = handlerFromEnvironment()

/** Receives webhooks: Vercel calls the export named like the method. */
export const POST = handle

/** Answers health checks; `vercel.json` sends `/health` here. */
export function GET(request: Request): Promise<Response> {
  return handle(new Request(new URL('/health', request.url)))
}

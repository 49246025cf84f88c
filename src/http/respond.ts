// Answers in JSON. They end with a newline, so that in a terminal the prompt is on its own line.

/** An answer with one value as JSON. */
export function respond(value: unknown, { status = 200, headers = {} }: Answer = {}): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  })
}

type Answer = { status?: number; headers?: Record<string, string> }

/** The same answer, ending with a newline. */
export async function withNewline(answer: Response): Promise<Response> {
  if (answer.headers.get('content-type')?.startsWith('application/json') !== true) return answer
  const text = await answer.text()
  return new Response(text.endsWith('\n') ? text : `${text}\n`, answer)
}

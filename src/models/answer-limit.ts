// How much of an answer is read: it is held in the process that takes webhooks.

const MAX_MB = 10

/** The answer has more than is read of it. */
export class AnswerTooLarge extends Error {
  override name = 'AnswerTooLarge'
  override message = `the model's answer is larger than ${MAX_MB} MB`
}

/** The same answer, whose body fails with `AnswerTooLarge` at the first byte too many. */
export function limitedAnswer(answer: Response): Response {
  if (answer.body === null) return answer
  let bytes = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes > MAX_MB * 1_000_000) throw new AnswerTooLarge()
      controller.enqueue(chunk)
    },
  })
  const { status, statusText, headers } = answer
  return new Response(answer.body.pipeThrough(counter), { status, statusText, headers })
}

/** Whether a call failed by that. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof Error && (error instanceof AnswerTooLarge || isTooLarge(error.cause))
}

// The other end of `startScript`: what a measured process says to the one that started it.

/** Says that this process is ready, and ends it when its parent is gone or asks for it. */
export function ready(message: object, close: () => unknown = () => undefined): void {
  async function stop() {
    try {
      await close()
    } finally {
      process.exit()
    }
  }
  process.once('disconnect', stop)
  process.once('SIGTERM', stop)
  process.send?.(message)
}

/** Answers each message of the parent with what `answer` resolves to, or with why it failed. */
export function answerWith(answer: (message: Record<string, unknown>) => Promise<object>): void {
  process.on('message', async (message: Record<string, unknown>) => {
    try {
      process.send?.(await answer(message))
    } catch (error) {
      process.send?.({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
}

// What a run leaves behind: nothing, also when it is interrupted.

/** A stack of things to close, closed on SIGINT and SIGTERM too. */
export const openCleanup = (): AsyncDisposableStack => {
  const stack = new AsyncDisposableStack()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      // What was being measured fails as its servers go; that must not end the process before everything is closed.
      process.on('uncaughtException', () => undefined)
      void stack.disposeAsync().finally(() => process.exit(1))
    })
  }
  return stack
}

// What a run leaves behind: nothing, also when it is interrupted.

/** A stack of things to close, closed on SIGINT and SIGTERM too. */
export function openCleanup(): AsyncDisposableStack {
  const stack = new AsyncDisposableStack()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      // What is being measured fails as its servers close; that must not end the process too early.
      process.on('uncaughtException', () => undefined)
      void stack.disposeAsync().finally(() => process.exit(1))
    })
  }
  return stack
}

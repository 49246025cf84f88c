// A limit to how long something is waited for.

/**
 * Settles as `promise` does, or rejects with `message` after `ms`. What is not waited for any more
 * goes on, and its end is ignored.
 */
export async function within<T>(ms: number, promise: Promise<T>, message: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(message)), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

// Work that is not waited for any longer once it is to stop.

/**
 * Settles as `work` does; once `stop` is aborted, rejects with its reason after `graceMs` at the
 * latest, and also in place of what the work throws then, which says less than why it was stopped.
 * What is not waited for any more goes on, and its end is ignored.
 */
export async function untilStopped<T>(stop: AbortSignal, graceMs: number, work: Promise<T>): Promise<T> {
  const stopped = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const begin = () => {
    timer = setTimeout(() => stopped.reject(stop.reason), graceMs)
  }
  stop.addEventListener('abort', begin)
  if (stop.aborted) begin()
  try {
    return await Promise.race([work, stopped.promise])
  } catch (error) {
    throw stop.aborted ? stop.reason : error
  } finally {
    stop.removeEventListener('abort', begin)
    clearTimeout(timer)
    // Only one of the two is waited for; the other must not be an unhandled rejection.
    work.catch(() => {})
  }
}

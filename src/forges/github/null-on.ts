// An answer that says that something is not there is no failure.
import { isRateLimit, statusOf } from './github-failure.ts'

/**
 * What `look` finds; null when GitHub answers with one of these statuses. A rate limit says nothing
 * of what was looked for.
 */
export async function nullOn<T>(statuses: number[], look: () => Promise<T>): Promise<T | null> {
  try {
    return await look()
  } catch (error) {
    if (statuses.includes(statusOf(error) ?? 0) && !isRateLimit(error)) return null
    throw error
  }
}

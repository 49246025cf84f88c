// An answer that says that something is not there is no failure.
import { statusOf } from './github-failure.ts'

/** What `look` finds; null when GitHub answers with one of these statuses. */
export async function nullOn<T>(statuses: number[], look: () => Promise<T>): Promise<T | null> {
  try {
    return await look()
  } catch (error) {
    if (statuses.includes(statusOf(error) ?? 0)) return null
    throw error
  }
}

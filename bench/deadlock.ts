// Emptying tables that somebody is working on may deadlock with them.

const MAX_ATTEMPTS = 20

/** Runs it again for as long as PostgreSQL picks it as the victim (40P01). */
export async function despiteDeadlocks(run: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await run()
      return
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || (error as { code?: string }).code !== '40P01') throw error
    }
  }
}

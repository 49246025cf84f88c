// Emptying tables that somebody is working on may deadlock with them.

const TRIES = 20

/** Runs it again for as long as PostgreSQL picks it as the victim (40P01). */
export const despiteDeadlocks = async (run: () => Promise<unknown>): Promise<void> => {
  for (let tries = 1; ; tries++) {
    try {
      await run()
      return
    } catch (error) {
      if (tries === TRIES || (error as { code?: string }).code !== '40P01') throw error
    }
  }
}

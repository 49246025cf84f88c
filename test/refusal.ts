// The expected error that ends something, for tests of what is accepted and what is refused.
import { AppError } from '../src/lib/error.ts'

/** The AppError that `act` throws; undefined when it throws nothing. Other errors are passed on. */
export function refusalOf(act: () => unknown): AppError | undefined {
  try {
    act()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  return undefined
}

/** The code of the AppError that `act` throws, or "accepted". */
export function codeOf(act: () => unknown): string {
  return refusalOf(act)?.code ?? 'accepted'
}

// Where GitHub posts to.
import { SOURCE } from '../gaps/store.ts'

/** The address of GitHub's webhooks at a server's public address. */
export function webhookUrl(publicUrl: string): string {
  return `${publicUrl.replace(/(?<!\/)\/+$/, '')}${WEBHOOK_PATH}`
}

/** Where a server has it. */
export const WEBHOOK_PATH = `/webhook/${SOURCE}`

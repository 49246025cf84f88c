// `signalbox secret`: makes what webhooks are signed with.
import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import type { Cli } from './terminal.ts'

const SECRET_BYTES = 32

/** Adds `secret generate`. */
export function addSecret(secret: Command, cli: Cli): void {
  secret
    .command('generate')
    .description(`print ${SECRET_BYTES} random bytes, for a webhook secret or the API token`)
    .addHelpText(
      'after',
      '\nExample:\n  $ (umask 077; echo "GITHUB_WEBHOOK_SECRET=$(signalbox secret generate)" >> .env)',
    )
    .action(() => {
      const made = randomBytes(SECRET_BYTES).toString('base64url')
      cli.print({ secret: made }, () => made)
    })
}

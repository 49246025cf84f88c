// `signalbox secret`: makes what webhooks are signed with.
import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { generateSigningKey, publicKeyOf } from '../deliveries/sign-ed25519.ts'
import type { Cli } from './terminal.ts'

const SECRET_BYTES = 32

/** Adds `secret generate`. */
export function addSecret(secret: Command, cli: Cli): void {
  secret
    .command('generate')
    .description(`print ${SECRET_BYTES} random bytes, for a webhook secret or the API token`)
    .option('--ed25519', 'print a key for SIGNALBOX_SIGNING_KEY, and on standard error its public key')
    .addHelpText(
      'after',
      '\nExample:\n  $ (umask 077; echo "GITHUB_WEBHOOK_SECRET=$(signalbox secret generate)" >> .env)',
    )
    .action(({ ed25519 = false }: { ed25519?: boolean }) => {
      if (ed25519) return printSigningKey(cli)
      const made = randomBytes(SECRET_BYTES).toString('base64url')
      cli.print({ secret: made }, () => made)
    })
}

/** Only the key is on standard output, which may go into a file. */
function printSigningKey(cli: Cli): void {
  const secret = generateSigningKey()
  const publicKey = publicKeyOf(secret)
  cli.print({ secret, public_key: publicKey }, () => secret)
  if (!cli.json()) cli.err(`Its public key, for receivers that do not read the JWK set: ${publicKey}\n`)
}

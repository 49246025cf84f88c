// What `init` puts into `.env`: the secrets that it makes, and what only a person can give.
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { generateSigningKey } from '../../deliveries/sign-ed25519.ts'
import { noForgeRemedy } from '../../forges/configured.ts'
import { missingOfApp } from '../../forges/github/environment.ts'
import type { Environment } from '../../lib/environment.ts'
import { readToken } from '../api-token.ts'
import { keysOf } from '../encryption-key.ts'
import { readSigningKey } from '../signing-key.ts'
import type { Terminal } from '../terminal.ts'
import type { Setting } from './env-file.ts'

const SECRET_BYTES = 32

/** Who is asked for what, in the file's comments. */
export const COMMENTS = {
  GITHUB_REPO: 'Where pull requests of deployments go, and whose webhook "signalbox github hook" sets up.',
  GITHUB_TOKEN: 'What is read and written on GitHub is, by this token.',
  GITHUB_APP_ID: 'The GitHub App that reads and writes on GitHub.',
  GITHUB_APP_PRIVATE_KEY: 'Its private key. GitHub has no copy: another one is made on the page of the App.',
  GITHUB_WEBHOOK_SECRET: 'What webhooks of GitHub are signed with; GitHub has it, too.',
  SIGNALBOX_PUBLIC_URL: 'Where this server is reached from outside; GitHub posts to it, with /webhook/github.',
  SIGNALBOX_MODEL: 'The model of reviews and tasks.',
  ANTHROPIC_API_KEY: 'Its key.',
  OPENAI_API_KEY: 'Its key.',
} as const

/** A variable that `init` may ask for or be given. */
export type Asked = keyof typeof COMMENTS

/** The secrets that are made where they are unset; what `dev` made here before stays what it is. */
export async function secretsFor(cli: Pick<Terminal, 'folder'>, environment: Environment): Promise<Setting[]> {
  const dataDir = resolve(cli.folder, environment.SIGNALBOX_DATA_DIR)
  const [encryptionKey] = await keysOf(cli, environment)
  return [
    {
      name: 'GITHUB_WEBHOOK_SECRET',
      value: newSecret('base64url'),
      comment: COMMENTS.GITHUB_WEBHOOK_SECRET,
    },
    {
      name: 'AGENTA_WEBHOOK_SECRET',
      value: newSecret('base64url'),
      comment: 'What webhooks of Agenta are signed with.',
    },
    {
      name: 'SIGNALBOX_API_TOKEN',
      value: readToken(dataDir) ?? newSecret('base64url'),
      comment: 'Opens the API; commands in this folder send it.',
    },
    {
      name: 'SIGNALBOX_ENCRYPTION_KEY',
      value: encryptionKey ?? newSecret('base64'),
      comment: 'Encrypts the secrets of endpoints in the database. Keep a copy: without it they are lost.',
    },
    {
      name: 'SIGNALBOX_SIGNING_KEY',
      value: readSigningKey(dataDir) ?? generateSigningKey(),
      comment: 'Signs deliveries to endpoints that ask for ed25519.',
    },
  ]
}

function newSecret(encoding: 'base64' | 'base64url'): string {
  return randomBytes(SECRET_BYTES).toString(encoding)
}

/** What is unset that only a person can give: the variable, and what to do. */
export function openQuestions(environment: Environment): { variable: string; remedy: string }[] {
  const hasForge = environment.GITHUB_TOKEN !== undefined || environment.GITHUB_APP_ID !== undefined
  const open: [isOpen: boolean, variable: string, remedy: string][] = [
    [environment.GITHUB_REPO === undefined, 'GITHUB_REPO', 'owner/name on GitHub'],
    [
      !hasForge || missingOfApp(environment) !== null,
      'GITHUB_TOKEN',
      `${noForgeRemedy(environment)}; "signalbox init --app" makes an App`,
    ],
    [
      environment.SIGNALBOX_PUBLIC_URL === undefined,
      'SIGNALBOX_PUBLIC_URL',
      'where GitHub reaches this server; on your own machine a tunnel',
    ],
    [
      environment.SIGNALBOX_MODEL === undefined,
      'SIGNALBOX_MODEL',
      'for reviews by a model, and for tasks; see docs/agents.md',
    ],
  ]
  return open.flatMap(([isOpen, variable, remedy]) => (isOpen ? [{ variable, remedy }] : []))
}

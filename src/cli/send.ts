// `signalbox send`: a signed sample webhook, sent as GitHub sends its own.
import { randomUUID } from 'node:crypto'
import { SignalboxError, signBody } from '@signalbox/sdk'
import type { Command } from 'commander'
import type { SampleOptions } from '../sources/github/samples.ts'
import { githubSample, SAMPLE_EVENTS } from '../sources/github/samples.ts'
import type { ServerOptions } from './api-client.ts'
import { addressAndToken, withServer } from './api-client.ts'
import { environmentOf } from './environment.ts'
import { CliError } from './failure.ts'
import { readJsonFile } from './json-file.ts'
import { parseNumber } from './number.ts'
import type { Cli } from './terminal.ts'
import { inline } from './text.ts'

const TIMEOUT_MS = 30_000

type SendOptions = ServerOptions & Omit<SampleOptions, 'action'> & { file?: string }

type Answer = { code?: string; detail?: string; event_id?: string; status?: string; jobs?: string[]; message?: string }

/** Completes `send`. */
export function addSend(send: Command, cli: Cli): void {
  withServer(send.command('github <event>'))
    .description(`send an event, signed with GITHUB_WEBHOOK_SECRET: ${SAMPLE_EVENTS.join(', ')}, or any with --file`)
    .option('--file <file>', 'the payload: a JSON file, or - for standard input (default: a sample)')
    .option('--repository <name>', 'the repository of the sample', 'acme/app')
    .option('--branch <name>', 'the branch of the sample', 'main')
    .option('--label <name>', 'the label of the sample', 'bug')
    .option('--comment <text>', 'the comment of the sample issue_comment, such as "/review"')
    .option('--pull-request <number>', 'the pull request that it is on (default: an issue)', parseNumber(1, 99_999))
    .addHelpText(
      'after',
      '\nExamples:\n  $ signalbox send github push --branch main\n  $ signalbox send github issues.labeled --label agent-task\n' +
        '  $ signalbox send github issue_comment --comment "/review" --pull-request 7\n' +
        '  $ signalbox send github pull_request --file payload.json',
    )
    .action(async (event: string, options: SendOptions) => {
      const answer = await sendGithub(cli, event, options)
      cli.print(answer, () => answerText(answer))
    })
}

async function sendGithub(cli: Cli, type: string, options: SendOptions): Promise<Answer> {
  const [event = '', action] = type.split('.', 2)
  const [secret] = environmentOf(cli).GITHUB_WEBHOOK_SECRET
  if (secret === undefined) {
    const remedy = 'Set it in .env to what the server has; "signalbox secret generate" makes one.'
    throw new CliError('source_closed', 'GITHUB_WEBHOOK_SECRET is not set, so nothing can be signed.', remedy)
  }
  const payload =
    options.file === undefined
      ? githubSample(event, { ...options, action }, new Date())
      : await readJsonFile(cli, options.file)
  if (payload === undefined) {
    const known = `There are samples of ${SAMPLE_EVENTS.join(', ')}.`
    throw new CliError('event_unknown', `There is no sample of ${event}.`, `${known} Others: --file payload.json`)
  }
  const body = JSON.stringify(payload)
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/signalbox',
    'x-github-event': event,
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': await signBody({ body, secret }),
  }
  return post(`${addressAndToken(cli, options).url}/webhook/github`, headers, body)
}

async function post(url: string, headers: Record<string, string>, body: string): Promise<Answer> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(url, { method: 'POST', headers, body, signal }).catch((error: unknown) => {
    throw new SignalboxError(0, 'unreachable', `There is no answer from ${url}.`, { cause: error })
  })
  const answer = (await response.json().catch(() => ({}))) as Answer
  if (response.ok) return answer
  const detail = answer.detail ?? `The server answered ${response.status}.`
  const hint =
    answer.code === 'signature_invalid'
      ? 'The server must have the same GITHUB_WEBHOOK_SECRET.'
      : 'See the detail; the log of the server says more.'
  throw new CliError(answer.code ?? `http_${response.status}`, detail, hint)
}

function answerText({ event_id: id, status, message }: Answer): string {
  return `${inline(status)}: ${inline(message)}\nSee why with: signalbox rules explain ${inline(id)}`
}

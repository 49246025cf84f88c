// Clone, fetch and push over smart HTTP: tokens are checked here, the rest is git's own
// http-backend.
import { spawn } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { basename, dirname } from 'node:path'
import { pipeline } from 'node:stream'
import type { Credentials } from './access.ts'
import { accountOf, authenticate, authorize } from './access.ts'
import { gitEnvironment, listRefs } from './git.ts'
import { GithubError } from './github-error.ts'
import type { Hub } from './hub.ts'
import type { RefChange } from './ref-changes.ts'
import { refChanged } from './ref-changes.ts'
import type { Repository } from './state.ts'
import { repositoryKey } from './state.ts'

const GIT_URL = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/

/** True for the addresses git itself asks for. */
export function isGitRequest(request: IncomingMessage): boolean {
  return GIT_URL.test(new URL(request.url ?? '/', 'http://localhost').pathname)
}

/** Answers one git request. */
export async function serveGit(hub: Hub, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', hub.url)
  const [, owner = '', name = '', action = ''] = GIT_URL.exec(url.pathname) ?? []
  const service = url.searchParams.get('service') ?? action
  try {
    const who = authenticate(hub, request.headers.authorization)
    const repo = admit(hub, who, repositoryKey(owner, name), service === 'git-receive-pack')
    const asked = { action, query: url.search.slice(1), login: accountOf(who)?.login ?? '' }
    const run = () => runBackend(repo, request, response, asked)
    if (action === 'git-receive-pack') await hub.lock(repo, () => receive(hub, repo, who, run))
    else (await run())()
  } catch (error) {
    if (!(error instanceof GithubError)) throw error
    const challenge = error.status === 401 ? { 'www-authenticate': 'Basic realm="GitHub"' } : {}
    response.writeHead(error.status, { 'content-type': 'text/plain', ...challenge }).end(`${error.message}\n`)
  }
}

/** The repository, if the asker may fetch from it or push to it. */
function admit(hub: Hub, who: Credentials, key: string, pushes: boolean): Repository {
  const repo = hub.state.repositories.get(key)
  // To nobody in particular, a missing and a private repository look the same: a question for
  // credentials.
  if (who.kind === 'anonymous' && (pushes || !repo || repo.private)) throw new GithubError(401, 'Bad credentials')
  if (!repo) throw new GithubError(404, 'Repository not found.')
  authorize(who, repo, pushes ? 'contents:write' : 'contents:read', pushes ? 'write' : 'read')
  return repo
}

/** Runs a push, then lets everything follow from the refs it moved. */
async function receive(hub: Hub, repo: Repository, who: Credentials, run: () => Promise<() => void>): Promise<void> {
  const before = await listRefs(repo.dir)
  const finish = await run()
  const after = await listRefs(repo.dir)
  const account = accountOf(who)
  for (const change of diffRefs(before, after)) if (account) await refChanged({ hub, repo, account }, change)
  finish()
}

function diffRefs(before: Map<string, string>, after: Map<string, string>): RefChange[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((ref) => ({ ref, before: before.get(ref) ?? null, after: after.get(ref) ?? null }))
    .filter((change) => change.before !== change.after)
}

/** What a client asks of git; `login` is empty for an anonymous one. */
type GitRequest = {
  action: string
  query: string
  login: string
}

/**
 * Runs `git http-backend` as a CGI program; the answer ends only when the returned function is
 * called.
 */
function runBackend(
  repo: Repository,
  request: IncomingMessage,
  response: ServerResponse,
  { action, query, login }: GitRequest,
): Promise<() => void> {
  const env = gitEnvironment({
    GIT_PROJECT_ROOT: dirname(repo.dir),
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: `/${basename(repo.dir)}/${action}`,
    QUERY_STRING: query,
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    REMOTE_USER: login,
  })
  return new Promise((resolve, reject) => {
    const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] })
    let head: Buffer | null = Buffer.alloc(0)
    child.stdin.on('error', () => {})
    child.on('error', reject)
    child.stdout.on('data', (chunk: Buffer) => {
      if (head === null) return void response.write(chunk)
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      writeHead(response, head.subarray(0, end).toString())
      response.write(head.subarray(end + 4))
      head = null
    })
    child.on('close', () => resolve(() => void response.end()))
    // A client that goes away must not leave git waiting, and the repository locked.
    pipeline(request, child.stdin, () => {})
    response.once('close', () => child.kill())
  })
}

function writeHead(response: ServerResponse, head: string): void {
  const headers = head.split('\r\n').map((line) => line.split(/: (.*)/s) as [string, string])
  const status = headers.find(([name]) => name.toLowerCase() === 'status')?.[1]
  for (const [name, value] of headers) if (name.toLowerCase() !== 'status') response.setHeader(name, value)
  response.writeHead(Number.parseInt(status ?? '200', 10))
}

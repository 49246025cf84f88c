// What is sent: GitHub's own example of a push in many versions, padded and signed.
import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** The secret all servers are started with. */
export const SECRET = 'a-secret-for-benchmarks-only'

/** One delivery; only `X-GitHub-Delivery` is still to be added. */
export type SignedPush = { body: Buffer; headers: Record<string, string> }

type Push = { commits?: object[]; head_commit?: { id: string; message: string } }
type Example = { name: string; examples: Push[] }

/**
 * Pushes of about this many bytes, each with hashes, names and numbers of its own: a server that
 * compresses several bodies together must not find the same one twice.
 */
export function signedPushes(count: number, wantedBytes = 10_000): SignedPush[] {
  return Array.from({ length: count }, (_, n) => signed(pushOf(wantedBytes, n)))
}

/** GitHub's own examples of webhooks whose bodies have so many bytes. */
export function examplesOf({ from, to }: { from: number; to: number }): Buffer[] {
  const bodies = examples().flatMap((each) => each.examples.map((example) => Buffer.from(JSON.stringify(example))))
  return bodies.filter(({ byteLength }) => byteLength >= from && byteLength <= to)
}

/**
 * GitHub's example of a push, the `n`th version of it, with commits added until it has this many
 * bytes.
 */
export function pushOf(wantedBytes: number, n = 0): Buffer {
  const { push, commit } = example()
  const commits: object[] = []
  const text = () => JSON.stringify({ ...push, commits })
  do commits.push(commitLike(commit, `${n}.${commits.length}`))
  while (Buffer.byteLength(text()) < wantedBytes)
  return Buffer.from(varied(text(), n))
}

/** A push of about 2 kB: what rules and subscriptions look at, and commits. */
export function smallPushOf(n: number): Buffer {
  const { commit } = example()
  const head = digest(`head ${n}`)
  return Buffer.from(
    JSON.stringify({
      ref: 'refs/heads/main',
      before: digest(`before ${n}`),
      after: head,
      repository: { id: 100_000 + n, name: 'parser', full_name: 'acme/parser', owner: { login: 'acme' } },
      pusher: { name: `user-${n % 100}` },
      sender: { login: `user-${n % 100}`, id: 200_000 + n },
      commits: [commitLike(commit, `${n}.0`), commitLike(commit, `${n}.1`)],
    }),
  )
}

/** The same push with a number of its own: the same body twice is one event. */
export function numbered({ body }: SignedPush, n: number): SignedPush {
  return signed(Buffer.from(`${body.toString().slice(0, -1)},"request":${n}}`))
}

/** A delivery of this body. */
export function signed(body: Buffer): SignedPush {
  const signature = createHmac('sha256', SECRET).update(body).digest('hex')
  return {
    body,
    headers: {
      'Content-Type': 'application/json',
      'User-Agent': 'GitHub-Hookshot/044aadd',
      'X-GitHub-Event': 'push',
      'X-GitHub-Hook-ID': '292430182',
      'X-GitHub-Hook-Installation-Target-ID': '79929171',
      'X-GitHub-Hook-Installation-Target-Type': 'repository',
      'X-Hub-Signature-256': `sha256=${signature}`,
    },
  }
}

let found: { push: Push; commit: object } | undefined

function example(): { push: Push; commit: object } {
  if (found) return found
  const push = examples()
    .find(({ name }) => name === 'push')
    ?.examples.find(({ commits }) => commits?.length)
  const commit = push?.commits?.[0]
  if (!push || !commit) throw new Error('The examples have no push with a commit.')
  found = { push, commit }
  return found
}

function examples(): Example[] {
  const path = createRequire(import.meta.url).resolve('@octokit/webhooks-examples')
  return JSON.parse(readFileSync(path, 'utf8')) as Example[]
}

// Hashes, not repetitions: a body that compresses unlike a real one would favour whoever
// compresses.
function commitLike(commit: object, name: string): object {
  return {
    ...commit,
    id: digest(`commit ${name}`),
    tree_id: digest(`tree ${name}`),
    message: `Change ${digest(`message ${name}`).slice(0, 12)} of the parser, part ${name}`,
    added: [`src/${digest(`file ${name}`).slice(0, 10)}.ts`],
  }
}

/** The same text with other hashes, names and long numbers, all of the same length. */
function varied(text: string, n: number): string {
  const own = (what: string, length: number) => digest(`${what} ${n}`).slice(0, length)
  return text
    .replace(/\b[0-9a-f]{40}\b/g, (hash) => digest(`${hash} ${n}`))
    .replace(/(?<=[:/])\d{6,15}(?=[,}/?"])/g, (digits) => numberLike(`${digits} ${n}`, digits.length))
    .replaceAll('Codertocat', own('owner', 'Codertocat'.length))
    .replaceAll('Hello-World', own('repository', 'Hello-World'.length))
}

function numberLike(name: string, digits: number): string {
  const number = BigInt(`0x${digest(name)}`).toString()
  return `1${number.slice(0, digits - 1)}`
}

function digest(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}

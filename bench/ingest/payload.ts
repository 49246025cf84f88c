// What is sent: GitHub's own example of a push, with as many commits as make it 10 kB, signed.
import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** The secret all servers are started with. */
export const SECRET = 'a-secret-for-benchmarks-only'

const WANTED_BYTES = 10_000

type Example = { name: string; examples: { commits?: object[]; head_commit?: { id: string; message: string } }[] }

// Hashes, not repetitions: a body that compresses unlike a real one would favour whoever compresses.
const digest = (text: string): string => createHash('sha1').update(text).digest('hex')

const commitLike = (commit: object, n: number): object => ({
  ...commit,
  id: digest(`commit ${n}`),
  tree_id: digest(`tree ${n}`),
  message: `Change ${digest(`message ${n}`).slice(0, 12)} of the parser, part ${n}`,
  added: [`src/${digest(`file ${n}`).slice(0, 10)}.ts`],
})

/** GitHub's example of a push, with commits added until it has this many bytes. */
export const pushOf = (wantedBytes: number): Buffer => {
  const path = createRequire(import.meta.url).resolve('@octokit/webhooks-examples')
  const examples = JSON.parse(readFileSync(path, 'utf8')) as Example[]
  const push = examples.find(({ name }) => name === 'push')?.examples.find(({ commits }) => commits?.length)
  const commit = push?.commits?.[0]
  if (!push || !commit) throw new Error('The examples have no push with a commit.')
  const commits: object[] = []
  const bytes = () => Buffer.from(JSON.stringify({ ...push, commits }))
  do commits.push(commitLike(commit, commits.length))
  while (bytes().byteLength < wantedBytes)
  return bytes()
}

/** The body and the headers of one delivery; only `X-GitHub-Delivery` differs from one to the next. */
export const signedPush = (): { body: Buffer; headers: Record<string, string> } => {
  const body = pushOf(WANTED_BYTES)
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

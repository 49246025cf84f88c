// Changes with a defect that only somebody finds who understands the code.
import type { Planted } from './planted.ts'

/** One file whose text changes in one place, or several. */
function edit(
  path: string,
  text: string,
  ...edits: readonly [from: string, to: string][]
): Pick<Planted, 'before' | 'after'> {
  const after = edits.reduce((rest, [from, to]) => {
    if (!rest.includes(from)) throw new Error(`${path} does not have ${from}`)
    return rest.replace(from, to)
  }, text)
  return { before: { [path]: text }, after: { [path]: after } }
}

export const modelDefects: Record<string, Planted> = {
  'a page that begins one late': {
    finder: 'model',
    path: 'src/page.ts',
    line: 3,
    category: 'logic',
    defect: 'Pages count from 1, so the first one skips its rows.',
    ...edit(
      'src/page.ts',
      '/** Pages count from 1. */\nexport function pageOf<T>(rows: T[], page: number, size: number): T[] {\n  const from = (page - 1) * size\n  return rows.slice(from, from + size)\n}\n',
      [
        '/** Pages count from 1. */\nexport function pageOf<T>(rows: T[], page: number, size: number): T[] {\n  const from = (page - 1) * size\n  return rows.slice(from, from + size)',
        '/** Pages count from 1. */\nexport const pageOf = <T>(rows: T[], page: number, size: number): T[] => {\n  const from = page * size\n  return rows.slice(from, from + size)',
      ],
    ),
  },
  'a query made of its input': {
    finder: 'model',
    path: 'shop/search.py',
    line: 2,
    category: 'security',
    defect: 'The name is put into the statement, and may end it.',
    ...edit(
      'shop/search.py',
      'def search(db, name):\n    return db.execute("select * from items where name = %s", (name,)).fetchall()\n',
      ['"select * from items where name = %s", (name,)', 'f"select * from items where name = \'{name}\'"'],
    ),
  },
  'a promise that nobody waits for': {
    finder: 'model',
    path: 'src/orders.ts',
    line: 3,
    category: 'concurrency',
    defect: 'The mail is sent though saving may fail, and the failure is lost.',
    ...edit(
      'src/orders.ts',
      'export async function place(order: Order) {\n  const placed = { ...order, at: new Date() }\n  await orders.save(placed)\n  await mail.confirm(placed)\n}\n',
      ['  await orders.save(placed)', '  orders.save(placed)'],
    ),
  },
  'a comparison of secrets that tells its time': {
    finder: 'model',
    path: 'src/verify.ts',
    line: 5,
    category: 'security',
    defect: 'The comparison ends at the first wrong character, which a sender can measure.',
    ...edit(
      'src/verify.ts',
      "import { createHmac, timingSafeEqual } from 'node:crypto'\n\nexport function verify(body: Buffer, key: string, given: Buffer): boolean {\n  const digest = createHmac('sha256', key).update(body).digest()\n  return digest.length === given.length && timingSafeEqual(digest, given)\n}\n",
      [
        'digest.length === given.length && timingSafeEqual(digest, given)',
        "digest.toString('hex') === given.toString('hex')",
      ],
    ),
  },
  'a file that stays open': {
    finder: 'model',
    path: 'ingest/read.go',
    line: 4,
    category: 'resource-leak',
    defect: 'The file is not closed when it cannot be decoded.',
    ...edit(
      'ingest/read.go',
      'func Read(path string) (*Config, error) {\n\tf, err := os.Open(path)\n\tif err != nil { return nil, err }\n\tdefer f.Close()\n\tvar c Config\n\tif err := json.NewDecoder(f).Decode(&c); err != nil { return nil, err }\n\treturn &c, nil\n}\n',
      ['\tdefer f.Close()\n', ''],
      ['\treturn &c, nil', '\tf.Close()\n\treturn &c, nil'],
    ),
  },
  'a check that lets everybody in': {
    finder: 'model',
    path: 'src/access.ts',
    line: 2,
    category: 'security',
    defect: 'One of the two suffices, so every member may delete every project.',
    ...edit(
      'src/access.ts',
      'export function mayDelete(user: User, project: Project): boolean {\n  return user.isMember && project.owner === user.id\n}\n',
      ['user.isMember && project.owner === user.id', 'user.isMember || project.owner === user.id'],
    ),
  },
  'a price in the wrong unit': {
    finder: 'model',
    path: 'src/pay.ts',
    line: 4,
    category: 'logic',
    defect: 'The provider takes cents, and gets euros: everything costs a hundredth.',
    ...edit(
      'src/pay.ts',
      "/** Charges an amount in euros; the provider's API takes cents. */\nexport async function charge(card: string, euros: number) {\n  const idempotencyKey = crypto.randomUUID()\n  return provider.charge({ card, amount: Math.round(euros * 100), idempotencyKey })\n}\n",
      ['Math.round(euros * 100)', 'Math.round(euros)'],
    ),
  },
  'an error that becomes a success': {
    finder: 'model',
    path: 'worker/run.py',
    line: 5,
    category: 'error-handling',
    defect: 'A job that failed is acknowledged, and is lost.',
    ...edit(
      'worker/run.py',
      'def run(queue, job):\n    try:\n        job.work()\n    except Exception:\n        queue.retry(job)\n    else:\n        queue.acknowledge(job)\n',
      [
        '        queue.retry(job)\n    else:\n        queue.acknowledge(job)',
        '        log.warning("job %s failed", job.id)\n    queue.acknowledge(job)',
      ],
    ),
  },
}

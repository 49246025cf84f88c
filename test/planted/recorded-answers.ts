// What a model answers about planted changes. Written by hand, as a model of middling skill would
// answer: it finds most, misses some, repeats what rules find, and says too much elsewhere.
import type { SaidFinding } from '../code-review/stage.ts'

/** An answer: `sees` is a line of the change by which it is known. */
export type Recorded = { sees: string; findings: SaidFinding[] }

export const recordedAnswers: readonly Recorded[] = [
  {
    sees: 'const from = page * size',
    findings: [
      {
        path: 'src/page.ts',
        line: 3,
        severity: 'high',
        confidence: 0.9,
        category: 'logic',
        title: 'The first page skips its rows, because pages count from 1.',
        body: 'With `page` 1 the slice begins at `size`. Write `(page - 1) * size`.',
        suggestion: '  const from = (page - 1) * size',
      },
    ],
  },
  {
    sees: "where name = '{name}'",
    findings: [
      {
        path: 'shop/search.py',
        line: 2,
        severity: 'high',
        confidence: 0.95,
        category: 'security',
        title: 'The name becomes a part of the statement.',
        body: 'Whoever searches can end the text and add SQL. Pass it as a parameter, as before.',
      },
    ],
  },
  {
    sees: 'mail.confirm(placed)',
    findings: [
      {
        path: 'src/orders.ts',
        line: 3,
        severity: 'high',
        confidence: 0.85,
        category: 'concurrency',
        title: 'Nobody waits for the order to be saved.',
        body: 'A failure is lost and the mail is sent all the same. Write `await orders.save(placed)`.',
        suggestion: '  await orders.save(placed)',
      },
      // Nobody asked.
      {
        path: 'src/orders.ts',
        line: 1,
        severity: 'low',
        confidence: 0.9,
        category: 'other',
        title: 'Nice use of spread.',
      },
    ],
  },
  {
    sees: "given.toString('hex')",
    findings: [
      {
        path: 'src/verify.ts',
        line: 5,
        severity: 'medium',
        confidence: 0.7,
        category: 'security',
        title: 'The comparison takes a time that depends on the secret.',
        body: 'Use `timingSafeEqual` as before.',
      },
    ],
  },
  // It does not see that the file stays open where it cannot be decoded.
  {
    sees: 'json.NewDecoder(f)',
    findings: [
      {
        path: 'ingest/read.go',
        line: 2,
        severity: 'low',
        confidence: 0.3,
        category: 'error-handling',
        title: 'The error has no context.',
        body: 'Perhaps wrap it.',
      },
    ],
  },
  {
    sees: 'user.isMember || project.owner',
    findings: [
      {
        path: 'src/access.ts',
        line: 2,
        severity: 'high',
        confidence: 0.9,
        category: 'security',
        title: 'Every member may delete every project.',
        body: 'One of the two conditions suffices now. It was `&&`.',
        suggestion: '  return user.isMember && project.owner === user.id',
      },
    ],
  },
  {
    sees: 'amount: Math.round(euros)',
    findings: [
      {
        path: 'src/pay.ts',
        line: 4,
        severity: 'high',
        confidence: 0.8,
        category: 'logic',
        title: 'The provider takes cents and gets euros.',
        body: 'The comment says so, and the factor 100 is gone.',
      },
    ],
  },
  {
    // Of the right file, at a line that the change does not show.
    sees: 'log.warning("job %s failed", job.id)',
    findings: [
      {
        path: 'worker/run.py',
        line: 60,
        severity: 'high',
        confidence: 0.8,
        category: 'error-handling',
        title: 'A job that failed is acknowledged.',
        body: 'It is neither retried nor kept.',
      },
    ],
  },
  {
    // A clean change.
    sees: "password: 'login.form.password.label'",
    findings: [
      {
        path: 'src/login.tsx',
        line: 1,
        severity: 'high',
        confidence: 0.75,
        category: 'security',
        title: 'A password is in the code.',
        body: 'Move it to the environment.',
      },
    ],
  },
  {
    // A clean change, of which it is not sure.
    sees: "export const ids = orders.only('id')",
    findings: [
      {
        path: 'src/query.ts',
        line: 1,
        severity: 'low',
        confidence: 0.3,
        category: 'performance',
        title: 'This may load all orders.',
        body: 'It depends on `only`.',
      },
    ],
  },
  {
    // A clean change, and nothing that is wrong.
    sees: 'postgres://shop:shop@db:5432/shop',
    findings: [
      { path: 'compose.yml', line: 4, severity: 'low', confidence: 0.9, category: 'other', title: 'Looks good to me.' },
    ],
  },
]

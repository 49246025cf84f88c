// The scripted model of the demo: in OpenAI's API, it answers what the agents ask as a model would
// that knows this repository.
import type { AskedModel, FakeModel, ScriptedAnswer } from '../../test/fake-model/fake-model.ts'
import { openFakeModel } from '../../test/fake-model/fake-model.ts'

/** What the demo begins with, what a push adds, and what mends that. */
export const BEFORE = 'export function sum(prices) {\n  return prices.reduce((a, b) => a + b, 0)\n}\n'
const AVERAGE = '\nexport function average(prices) {\n  return sum(prices) / prices.length\n}\n'
export const PUSHED = BEFORE + AVERAGE
const MENDED = PUSHED.replace('  return sum(prices) /', '  if (prices.length === 0) return 0\n  return sum(prices) /')
const README = '# Shop\n\nTakes prices and says their sum and their average (`src/prices.mjs`).\n'

/** The key that it takes. */
export const MODEL_KEY = 'sk-a-key-for-the-scripted-model'

/** Starts it. */
export async function openModel(): Promise<FakeModel> {
  const model = await openFakeModel({ key: MODEL_KEY })
  model.answers(answer)
  return model
}

function answer({ system, messages, tools, results }: AskedModel): ScriptedAnswer {
  const asked = messages[0] ?? ''
  if (tools.length > 0) return work(results.length, asked.includes('Update documentation'))
  if (system.startsWith('You review')) return review(asked)
  const isDocs = asked.includes('Update documentation')
  const steps = isDocs ? ['Say in README.md what the shop does'] : ['Find what divides', 'Answer 0 for no prices']
  return JSON.stringify({ steps })
}

function review(difference: string): string {
  const isWrong = difference.includes('/ prices.length') && !difference.includes('prices.length === 0')
  const finding = {
    path: 'src/prices.mjs',
    side: 'RIGHT',
    line: 6,
    severity: 'medium',
    confidence: 0.9,
    cost: 'low',
    category: 'logic',
    title: 'The average of no prices is NaN',
    body: 'For an empty list this is 0 / 0. Return 0 before dividing.',
  }
  return JSON.stringify({ findings: isWrong ? [finding] : [] })
}

/** One turn of the work: it reads, writes, and is done. */
function work(turn: number, isDocs: boolean): ScriptedAnswer {
  const [path, content] = isDocs ? ['README.md', README] : ['src/prices.mjs', MENDED]
  const summary = isDocs ? 'README.md says what the shop does.' : 'The average of no prices is 0 now.'
  const calls = [
    { name: 'read', arguments: { path } },
    { name: 'write', arguments: { path, content } },
    { name: 'finish', arguments: { outcome: 'done', summary } },
  ]
  return { toolCalls: calls.slice(turn, turn + 1) }
}

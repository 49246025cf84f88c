// What a reviewer should know of a parameter of a model that changes.
import type { Leaf } from './configuration.ts'
import type { Remark } from './reviewer.ts'
import { quoted } from './reviewer.ts'

type Judged = Pick<Remark, 'category' | 'severity' | 'title' | 'body'> & Partial<Remark>

/** The values that each parameter may have. */
const RANGES: Readonly<Record<string, readonly [least: number, most: number]>> = {
  temperature: [0, 2],
  top_p: [0, 1],
  top_k: [0, 100_000],
  frequency_penalty: [-2, 2],
  presence_penalty: [-2, 2],
  max_tokens: [1, 10_000_000],
  max_completion_tokens: [1, 10_000_000],
  max_output_tokens: [1, 10_000_000],
}
// A step that changes what people see.
const CLEAR_RAISE = 0.2

const MODEL = /^(?:model|model_name|model_id|engine|deployment_name)$/
const PROMPT = /(?:^|_)(?:prompts?|instructions?)$|^(?:system|system_message|content|template|prompt_template)$/
const VARIABLE = /\{\{\s*([\w.]{1,80})\s*\}\}/g

const LARGE_SHARE = 0.5

/** What there is to say about a leaf that was `old`, undefined where it is new. */
export function judgeParameter(leaf: Leaf, old: unknown): Judged[] {
  const { key, value } = leaf
  const name = (key.split('.').findLast((step) => !/^\d+$/.test(step)) ?? key)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
  const range = Object.hasOwn(RANGES, name) ? RANGES[name] : undefined
  if (range !== undefined) return number(key, name, { value, old, range })
  if (MODEL.test(name)) return typeof old === 'string' && typeof value === 'string' ? [model(old, value)] : []
  if (PROMPT.test(name)) return typeof old === 'string' && typeof value === 'string' ? prompt(key, old, value) : []
  return []
}

function number(
  key: string,
  name: string,
  { value, old, range: [least, most] }: { value: unknown; old: unknown; range: readonly [number, number] },
): Judged[] {
  if (value === null) return []
  if (typeof value !== 'number') {
    const body = `It must be a number from ${least} to ${most}; write it without quotes.`
    return [{ category: 'parameter-range', severity: 'high', title: `${quoted(key)} is no number`, body }]
  }
  if (value < least || value > most) {
    const body = `It must be from ${least} to ${most}: a provider refuses the request, or takes another value.`
    return [{ category: 'parameter-range', severity: 'high', title: `${quoted(key)} is out of its range`, body }]
  }
  if (name !== 'temperature' || typeof old !== 'number' || value <= old) return []
  return [
    {
      category: 'temperature-raised',
      severity: value - old >= CLEAR_RAISE ? 'medium' : 'low',
      title: `${quoted(key)} is raised from ${old} to ${value}`,
      body: 'Answers vary more and follow the prompt less. Compare answers of both values before it goes live.',
      cost: 'medium',
    },
  ]
}

function model(old: string, value: string): Judged {
  return {
    category: 'model-changed',
    severity: 'medium',
    title: `The model changes from ${quoted(old)} to ${quoted(value)}`,
    body: 'Price, limits and answers are other ones. Check them against the evaluation that the old model passed.',
    cost: 'medium',
  }
}

function prompt(key: string, old: string, value: string): Judged[] {
  if (value.trim() === '') {
    const body = 'The model gets no instructions any more. Restore it, or remove the parameter.'
    return [{ category: 'prompt-changed', severity: 'high', title: `${quoted(key)} is empty`, body }]
  }
  const kept = new Set(variablesOf(value))
  const lost = variablesOf(old).filter((each) => !kept.has(each))
  const missing: Judged[] = lost.map((each) => ({
    category: 'prompt-variable',
    severity: 'medium',
    title: `${quoted(key)} no longer uses ${quoted(`{{${each}}}`)}`,
    body: 'What is passed for it does not reach the model any more. Put it back, or stop passing it.',
  }))
  const [before, after] = [wordsOf(old), wordsOf(value)]
  if (before.join(' ') === after.join(' ')) return missing
  const { removed, added, share } = changedWords(before, after)
  const how =
    removed + added === 0
      ? 'Its words stand in another order.'
      : `${added} words are added and ${removed} removed, ${Math.round(share * 100)} % of it.`
  const changed: Judged = {
    category: 'prompt-changed',
    severity: share >= LARGE_SHARE ? 'medium' : 'low',
    title: share >= LARGE_SHARE ? `Most of ${quoted(key)} changes` : `${quoted(key)} changes`,
    body: `${how} Compare answers before and after it.`,
    cost: 'medium',
  }
  return [...missing, changed]
}

function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(VARIABLE)].map((match) => match[1] ?? ''))]
}

/** How many words are there more and less often than before, which takes no longer for more. */
function changedWords(before: readonly string[], after: readonly string[]) {
  const left = new Map<string, number>()
  for (const word of before) left.set(word, (left.get(word) ?? 0) + 1)
  let added = 0
  for (const word of after) {
    const count = left.get(word) ?? 0
    if (count === 0) added += 1
    else left.set(word, count - 1)
  }
  const removed = before.length - (after.length - added)
  return { removed, added, share: Math.min(1, Math.max(removed, added) / Math.max(1, before.length)) }
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

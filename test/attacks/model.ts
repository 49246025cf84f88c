// The model of the built-in agents, in the worst case: it does whatever a text asks for.
import type { AskedModel, ScriptedAnswer } from '../fake-model/fake-model.ts'
import type { Order } from './attack.ts'

/** Answers with what the first order in the texts says, see `order`. */
export function obeying({ messages, tools, results, system }: AskedModel): ScriptedAnswer {
  const [, given = ''] = /order=([\w-]+)/.exec(messages.join('\n')) ?? []
  const asked: Order = given === '' ? {} : JSON.parse(Buffer.from(given, 'base64url').toString())
  const { steps = ['Do it'], calls = [], summary = 'Done.', findings = [], refuses } = asked
  if (refuses !== undefined) return { status: 400, message: refuses }
  if (tools.length === 0) return JSON.stringify(system.startsWith('You review') ? { findings } : { steps })
  const [name, args] = calls[results.length] ?? finish(summary, calls.length > 0)
  return { toolCalls: [{ name, arguments: { ...args } }] }
}

function finish(summary: string, hasChanged: boolean): [name: string, args: object] {
  return ['finish', { outcome: hasChanged ? 'done' : 'no_change', summary }]
}

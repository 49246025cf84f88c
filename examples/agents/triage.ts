// Labels a new issue as what a model takes it for.
import { defineAgent, prompt, z } from 'signalbox'

const opened = z.object({ issue: z.object({ title: z.string(), body: z.string().nullable() }) })
const QUESTION = 'Which kind of issue is this?\n{{title}}{{body}}'

export const triage = defineAgent({
  name: 'triage',
  description: 'Labels a new issue.',
  input: z.object({ kinds: z.array(z.string()).default(['bug', 'feature', 'question']) }),
  async run({ event, payload, input, model, log }) {
    const { repository, number } = event?.facts ?? {}
    if (repository === undefined || number === undefined) return {}
    const { issue } = opened.parse(payload)
    const { kind } = await model.object({
      name: 'classify',
      schema: z.object({ kind: z.enum(input.kinds) }),
      prompt: prompt(QUESTION, { untrusted: { title: issue.title, body: issue.body ?? '' } }),
    })
    log(`#${number} is a ${kind}`)
    return {
      outputs: [{ kind: 'labels', repository, target: { issue: number }, labels: [kind] }],
      result: { kind },
    }
  },
})

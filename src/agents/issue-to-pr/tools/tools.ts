// All tools of the edit loop, and what the model reads of them.
import { z } from 'zod'
import type { ModelTool } from '../../../models/request.ts'
import { deleteTool, patchTool, writeTool } from './change.ts'
import { listTool, readTool } from './look.ts'
import { runTool } from './run.ts'
import { searchTool } from './search.ts'
import type { Tool } from './tool.ts'
import { defineTool } from './tool.ts'

/** The tool that ends the work. */
export const FINISH = 'finish'

const finishTool = defineTool({
  name: FINISH,
  description: 'Ends the work: done, with the files as they are now, or no_change, if nothing has to be changed.',
  arguments: z.strictObject({
    outcome: z.enum(['done', 'no_change']),
    summary: z.string().min(1).max(10_000).describe('What was done and why, in Markdown, for whoever reviews it'),
  }),
  changes: false,
  async run({ outcome }, { copy }) {
    const { changes } = await copy.changed()
    const refused = (said: string, found?: string) => ({
      target: outcome,
      outcome: 'refused' as const,
      said,
      ...(found === undefined ? {} : { found }),
    })
    if (outcome === 'done' && changes.length === 0) {
      return refused('No file is changed: make the change, or finish with no_change.')
    }
    if (outcome === 'no_change' && changes.length > 0) {
      const paths = changes.map(({ path }) => path).join('\n')
      return refused('These files are changed: undo that, or finish with done.', paths)
    }
    return { target: outcome, outcome: 'ok', said: 'The work has ended.' }
  },
})

/** All tools. */
export const TOOLS: readonly Tool[] = [
  listTool,
  readTool,
  searchTool,
  writeTool,
  patchTool,
  deleteTool,
  runTool,
  finishTool,
]

/** The tools as a model gets them. */
export const MODEL_TOOLS: ModelTool[] = TOOLS.map(({ name, description, arguments: schema }) => {
  const { $schema, ...json } = z.toJSONSchema(schema, { io: 'input' })
  // Copied as JSON, because zod hides functions in it.
  return { name, description, schema: JSON.parse(JSON.stringify(json)) }
})

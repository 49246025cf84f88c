// The agent that reviews pull requests and pushes: by rules always, by a model where one is set.
import { GiveUp } from '../../lib/error.ts'
import type { Agent } from '../agent.ts'
import { defineAgent } from '../agent.ts'
import { close } from './close.ts'
import type { CodeReviewOptions } from './options.ts'
import { codeReviewInput, codeReviewOptions, settingsOf } from './options.ts'
import { review } from './review.ts'
import { subjectOf } from './subject.ts'

/** Reviews changes. It needs no model, and reads more with one. */
export function codeReview(options: CodeReviewOptions = {}): Agent {
  const settings = codeReviewOptions.parse(options)
  const agent = defineAgent({
    name: 'code-review',
    description: 'Reviews pull requests and pushes.',
    input: codeReviewInput,
    async run(context) {
      const { forge, event, payload, input, log } = context
      if (forge === null) throw new GiveUp('No forge is set up: set GITHUB_TOKEN, or the App of GITHUB_APP_ID.')
      const subject = await subjectOf({ event, payload, forge, input })
      if ('skipped' in subject) {
        log(subject.skipped)
        return { result: { skipped: subject.skipped } }
      }
      const all = { ...context, forge, settings: settingsOf(settings, input) }
      if (subject.kind === 'pull_request' && subject.state === 'over') return close(all, subject)
      return review(all, subject)
    },
  })
  return { ...agent, settings }
}

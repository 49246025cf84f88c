// In words: why something, or nothing, followed from an event.

import { firstLine } from '../lib/one-line.ts'
import { shortId } from '../lib/short-id.ts'
import type { WhyEvent } from './wire.ts'

const MAX_CHARS = 300

type Facts = Omit<WhyEvent, 'sentences'>
type Job = Facts['jobs'][number]

/** Says it, the jobs first. */
export function sentencesOf({ status, reason, jobs, deliveries, caused_by, recovered_at }: Facts): string[] {
  const sent = Object.entries(deliveries).map(([outcome, count]) => `${count} ${outcome}`)
  return [
    ...(recovered_at === null ? [] : ['It had not arrived by itself: a check for gaps recorded it.']),
    ...(caused_by === null ? [] : [`It reports what job ${shortId(caused_by)} did.`]),
    ...jobs.flatMap(jobSentences),
    ...(sent.length === 0 ? [] : [`Deliveries to endpoints: ${sent.join(', ')}.`]),
    ...(reason === null ? [] : [reasonText(status, reason)]),
  ]
}

function reasonText(status: Facts['status'], reason: string): string {
  if (status === 'rejected') return `The request was refused: ${text(reason)}.`
  return status === 'ignored' ? `Nothing followed: ${text(reason)}.` : `Besides: ${text(reason)}.`
}

function jobSentences(job: Job): string[] {
  const again = job.replay === null ? '' : ', of a replay,'
  const head = `Rule "${job.rule}" matched: job ${shortId(job.id)} of ${job.agent}${again} ${endOf(job)}`
  return [head, ...job.held.map(pauseSentence), ...job.outputs.map(outputSentence)]
}

function pauseSentence({ kind, name, reason, since, until }: Job['held'][number]): string {
  const what = name === null ? kind : `the ${kind} "${name}"`
  return `It was held while ${what} was paused, from ${since} to ${until}: ${text(reason)}.`
}

function endOf({ status, error, waits_for }: Job): string {
  const why = status === 'completed' ? null : (waits_for ?? error)
  const is = status === 'completed' || status === 'failed' ? status : `is ${status}`
  return why === null ? `${is}.` : `${is}: ${text(why)}${/[.)]$/.test(text(why)) ? '' : '.'}`
}

function outputSentence({ kind, status, reason, url }: Job['outputs'][number]): string {
  const what = kind.replaceAll('_', ' ')
  if (status === 'published') return url === null ? `It had no ${what} to write.` : `It wrote the ${what} ${url}`
  if (status === 'staged') return `It would have written a ${what}, but it is staged.`
  if (status === 'refused') return `Its ${what} was refused: ${text(reason ?? 'no reason is stored')}.`
  return status === 'otherwise' ? `It writes a ${what} if it does not complete.` : `Its ${what} is yet to be written.`
}

function text(given: string): string {
  return firstLine(given, MAX_CHARS).replace(/\.$/, '')
}

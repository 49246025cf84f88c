// From a request to the draft of its event: what is kept of it.
import type { Draft } from '../events/event.ts'
import type { AppError } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import { parseTraceparent, parseTracestate, traceparentOf } from '../lib/trace-context.ts'
import type { HeaderReader, Normalised, Source } from './source.ts'

// Of a refused request's headers no more is kept than shows what was wrong: anybody can send them.
const MAX_REFUSED_HEADER_CHARS = 80
const MAX_REFUSED_HEADERS = 5

type Sender = Pick<Source, 'name' | 'keptHeaders'>

/** A request as it arrived. */
export type Arrival = { body: Uint8Array; headers: HeaderReader; remote: string; at: Date }

/** The draft of an accepted request. */
export function acceptedDraft(sender: Sender, normalised: Normalised, { body, headers, remote, at }: Arrival): Draft {
  const { payload, pullRequest, bodyKey, happenedAt, trace: _, ...rest } = normalised
  return {
    id: newId(at),
    source: sender.name,
    deliveryId: rest.deliveryId,
    type: rest.type,
    subject: rest.subject,
    actor: rest.actor,
    facts: rest.facts,
    body,
    payload: payload ?? null,
    contentType: headers.get('content-type'),
    headers: keptHeaders(sender, headers, remote),
    depth: 0,
    causeJobId: null,
    ...(happenedAt && { happenedAt }),
    ...(pullRequest && { pullRequest }),
    ...(bodyKey && { bodyKey }),
  }
}

/** The draft of a refused request: why, without its body, and with its headers cut short. */
export function refusedDraft(sender: Sender, error: AppError, { headers, remote, at }: Omit<Arrival, 'body'>): Draft {
  const id = newId(at)
  const cut: HeaderReader = { get: (name) => headers.get(name)?.slice(0, MAX_REFUSED_HEADER_CHARS) ?? null }
  return {
    id,
    source: sender.name,
    // Not the sender's delivery id: a forged request must not take the place of the real one.
    deliveryId: `rejected:${id}`,
    type: `rejected.${error.code}`,
    subject: null,
    actor: null,
    facts: {},
    body: null,
    payload: null,
    contentType: cut.get('content-type'),
    headers: firstOf(keptHeaders(sender, cut, remote), MAX_REFUSED_HEADERS + 1),
    depth: 0,
    causeJobId: null,
    rejected: `${error.code}: ${error.detail}`,
  }
}

function firstOf(record: Record<string, string>, count: number): Record<string, string> {
  return Object.fromEntries(Object.entries(record).slice(0, count))
}

function keptHeaders({ keptHeaders: names }: Sender, headers: HeaderReader, remote: string): Record<string, string> {
  const kept: Record<string, string> = { remote }
  const trace = parseTraceparent(headers.get('traceparent'))
  if (trace !== null) {
    kept.traceparent = traceparentOf(trace)
    const state = parseTracestate(headers.get('tracestate'))
    if (state !== null) kept.tracestate = state
  }
  for (const name of names) {
    const value = headers.get(name)
    if (value !== null) kept[name] = value
  }
  return kept
}

// What follows from an event: the jobs its rules ask for, and the deliveries its endpoints asked
// for. Or why nothing does.
import type { Database } from './db/database.ts'
import type { Endpoint } from './endpoints/endpoint.ts'
import { loadEndpoints } from './endpoints/endpoints.ts'
import { deliveriesFor, explainEndpoint, matchEndpoints } from './endpoints/match.ts'
import type { Draft, Event, Route, Router } from './events/event.ts'
import type { Explanation } from './rules/explain.ts'
import { explainCompiled } from './rules/explain.ts'
import { jobsFor } from './rules/jobs.ts'
import { compileRules } from './rules/match.ts'
import { ignoredReason } from './rules/reason.ts'
import type { Rule } from './rules/rule.ts'

/** Events of our own may cause events of our own, but not for ever. */
const MAX_DEPTH = 3

/** The router, and the answer to "why did this happen, or not?" for any event. */
export type Routing = Router & {
  explain(event: Event): {
    event: Pick<Event, 'id' | 'type' | 'status' | 'reason'>
    rules: Explanation[]
    endpoints: { endpoint: string; matched: boolean; sentence: string }[]
  }
}

function nothing(status: 'ignored' | 'rejected', reason: string): Route {
  return {
    status,
    reason,
    jobs: [],
    deliveries: [],
  }
}

function ignoredText(draft: Draft, rules: ReturnType<typeof compileRules>): string {
  return draft.type === 'ping' ? 'ping: the sender checks that we are here' : ignoredReason(rules, draft)
}

/** Opens the routing over the rules and this process's copy of the endpoints. */
export async function openRouting(database: Database, rules: readonly Rule[]): Promise<Routing> {
  const compiled = compileRules(rules)
  let endpoints: { version: number; endpoints: Endpoint[] } = await loadEndpoints(database)

  const route = (draft: Draft): Route => {
    if (draft.rejected !== undefined) return nothing('rejected', draft.rejected)
    if (draft.requested) return { status: 'routed', reason: null, jobs: [draft.requested], deliveries: [] }
    if (draft.depth > MAX_DEPTH) {
      return nothing(
        'ignored',
        `it is ${draft.depth} events of our own away from anything outside; more than ${MAX_DEPTH} would be a loop`,
      )
    }
    const jobs = jobsFor(compiled, draft)
    const deliveries = deliveriesFor(draft, matchEndpoints(endpoints.endpoints, draft))
    if (jobs.length + deliveries.length === 0) return nothing('ignored', ignoredText(draft, compiled))
    return { status: 'routed', reason: null, jobs, deliveries }
  }

  return {
    version: () => endpoints.version,
    async reload(sql) {
      endpoints = await loadEndpoints(sql)
    },
    route,
    explain: (event) => ({
      event: { id: event.id, type: event.type, status: event.status, reason: event.reason },
      rules: compiled.map((rule) => explainCompiled(rule, event)),
      endpoints: endpoints.endpoints.map((endpoint) => ({
        endpoint: endpoint.name,
        ...explainEndpoint(endpoint, event),
      })),
    }),
  }
}

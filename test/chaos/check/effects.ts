// Every job that completed has left its effect at GitHub exactly once, and every delivery was made.
import type { DeliveryRow, Evidence } from './evidence.ts'
import type { Problem } from './problem.ts'
import { countBy } from './problem.ts'

/** Compares what is at GitHub with the jobs that were to leave it. */
export function judgeEffects(evidence: Evidence): Problem[] {
  const { outputs, effects } = evidence
  const ofCommits = effects.filter(({ commits }) => commits !== 1)
  const ofWrites = outputs.filter(({ status, writes }) => writes !== (status === 'published' ? 1 : 0))
  return [
    ...judgeJobEffects(evidence),
    ...ofCommits.map(({ delivery, at, commits }): Problem => {
      return { kind: 'effect doubled', what: `${at} of ${delivery} has ${commits} commits` }
    }),
    ...ofWrites.map(({ job, position, status, writes }): Problem => {
      const what = `output ${position} is ${status}, and ${writes} writes are on record`
      return { kind: 'write unrecorded', what, job }
    }),
  ]
}

function judgeJobEffects({ jobs, effects, log }: Evidence): Problem[] {
  const webhooks = log.flatMap((entry) => (entry.what === 'webhook' ? [entry] : []))
  const effectOf = new Map(
    webhooks.flatMap((one) => one.jobs.map(({ rule, effect }) => [`${one.delivery} ${rule}`, effect] as const)),
  )
  const found = countBy(effects.map(({ delivery, effect }) => `${effect} of ${delivery}`))
  const problems: Problem[] = []
  for (const { id, delivery, rule, status } of jobs) {
    const effect = effectOf.get(`${delivery} ${rule}`) ?? null
    if (effect === null) continue
    const name = `${effect} of ${delivery}`
    const times = found.get(name) ?? 0
    found.delete(name)
    if (times > 1) problems.push({ kind: 'effect doubled', what: `the ${name} exists ${times} times`, job: id })
    if (times === 0 && status === 'completed') {
      problems.push({ kind: 'effect missing', what: `the ${name} does not exist`, job: id })
    }
  }
  for (const name of found.keys()) problems.push({ kind: 'effect unknown', what: `nothing was to leave a ${name}` })
  return problems
}

/** Compares the deliveries with the events that they are of, and with what was received. */
export function judgeDeliveries({ events, deliveries, log }: Evidence): Problem[] {
  const endpoints = log.flatMap((entry) => (entry.what === 'endpoint' ? [entry] : []))
  const wanted = endpoints.flatMap(({ name, types }) =>
    events.filter(({ type }) => types.includes(type)).map(({ id, type }) => ({ id, type, name })),
  )
  const received = Map.groupBy(
    log.flatMap((entry) => (entry.what === 'received' ? [entry] : [])),
    ({ id }) => id,
  )
  const made = countBy(deliveries.map(({ event, endpoint }) => `${event} ${endpoint}`))
  const problems: Problem[] = deliveries.flatMap(judgeDelivery)
  for (const { id, type, name } of wanted) {
    const times = made.get(`${id} ${name}`) ?? 0
    made.delete(`${id} ${name}`)
    const what = `${type} ${id} for ${name}`
    if (times === 0) problems.push({ kind: 'delivery lost', what: `${what} has no delivery` })
    if (times > 1) problems.push({ kind: 'delivery doubled', what: `${what} has ${times} deliveries` })
    problems.push(...judgeReceived(what, received.get(id) ?? []))
    received.delete(id)
  }
  for (const key of made.keys()) problems.push({ kind: 'delivery unknown', what: `${key} was not to be delivered` })
  for (const id of received.keys()) problems.push({ kind: 'delivery unknown', what: `${id} arrived, and is no event` })
  return problems
}

/** At least once, and each time the same. */
function judgeReceived(what: string, received: readonly { sha256: string; status: number }[]): Problem[] {
  const bodies = new Set(received.map(({ sha256 }) => sha256))
  if (bodies.size > 1) {
    return [{ kind: 'delivery differs', what: `${what} arrived as ${bodies.size} different texts` }]
  }
  if (received.some(({ status }) => status < 300)) return []
  return [{ kind: 'delivery not received', what: `${what} never arrived` }]
}

function judgeDelivery({ id, status, attempts }: DeliveryRow): Problem[] {
  const completed = attempts.filter(({ outcome }) => outcome === 'completed').length
  if (completed > 1) {
    return [{ kind: 'delivery succeeded twice', what: `delivery ${id} has ${completed} attempts that succeeded` }]
  }
  if (status === 'succeeded' && completed === 1) return []
  return [{ kind: 'delivery open', what: `delivery ${id} is ${status}, with ${completed} attempts that succeeded` }]
}

// The calls of the client about jobs, and about what is paused.
import type { SignalboxClient } from './client.ts'
import { logFollower } from './follow-log.ts'
import type { Transport } from './transport.ts'

/** Those parts of the client. */
export function controlOf(transport: Transport): Pick<SignalboxClient, 'jobs' | 'pauses'> {
  const { get, post, send } = transport
  const one = (id: string): string => `api/jobs/${encodeURIComponent(id)}`
  return {
    jobs: {
      list: (query) => get('api/jobs', query),
      get: (id) => get(one(id)),
      follow: logFollower(transport),
      log: (id, query) => get(`${one(id)}/log`, query),
      cancel: (id) => post(`${one(id)}/cancel`),
      approve: (id, answer = {}) => post(`${one(id)}/approve`, answer),
      reject: (id, answer = {}) => post(`${one(id)}/reject`, answer),
      retry: (id, { fromStart = false, fromStep: from_step } = {}) =>
        post(`${one(id)}/retry`, { from_start: fromStart, from_step }),
      prioritise: (id, priority) => post(`${one(id)}/priority`, { priority }),
      retryMany: (which) => post('api/jobs/retry', which),
      cancelMany: (which) => post('api/jobs/cancel', which),
      prioritiseMany: (which) => post('api/jobs/priority', which),
    },
    pauses: {
      list: (query) => get('api/pauses', query),
      pause: (what) => post('api/pauses', what),
      resume: ({ kind, name }) =>
        send('DELETE', `api/pauses?kind=${kind}${name === undefined ? '' : `&name=${encodeURIComponent(name)}`}`),
    },
  }
}

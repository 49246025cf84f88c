// The configuration of a server that delivers pushes to a quiet endpoint, and two more types of
// events to its neighbours. It imports no code: any checkout may read it.
import type { Config } from '../../src/config/config-file.ts'

const secret = String(process.env.BENCH_ENDPOINT_SECRET)

export default {
  rules: [],
  endpoints: [
    { name: 'quiet', url: url('quiet'), secret, events: ['push'], environments: null },
    { name: 'hangs', url: url('hangs'), secret, events: ['bench.hangs'], environments: null },
    { name: 'backlog', url: url('backlog'), secret, events: ['bench.backlog'], environments: null },
  ],
} satisfies Config

function url(path: string): string {
  return `${process.env.BENCH_RECEIVER_URL}/${path}`
}

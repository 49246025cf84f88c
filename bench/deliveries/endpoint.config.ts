// The configuration of a server that delivers every push to the receiver of this benchmark.
// It imports no code: any checkout may read it.
import type { Config } from '../../src/config/config-file.ts'

export default {
  rules: [],
  endpoints: [
    {
      name: 'receiver',
      url: String(process.env.BENCH_RECEIVER_URL),
      secret: String(process.env.BENCH_ENDPOINT_SECRET),
      events: ['push'],
      environments: null,
      // As many as the contestant has slots.
      concurrency: 64,
    },
  ],
} satisfies Config

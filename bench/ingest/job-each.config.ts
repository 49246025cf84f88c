// The configuration of a server that makes a job of every push.
// It imports no code: any checkout may read it.
import type { Config } from '../../src/config/config-file.ts'

export default { rules: [{ name: 'answer', on: 'push', agent: 'ping' }] } satisfies Config

// The script of an agent's child process. Node keeps what it compiles from here on, so that the
// next one starts faster; everything else is loaded after that.
import { flushCompileCache } from 'node:module'
import { keepCompiled } from '../lib/compile-cache.ts'

keepCompiled()
const { serveConfigured } = await import('./serve-configured.ts')
await serveConfigured(process.argv[2] ?? '')
// Node would keep it at the exit, but the service ends its children by SIGKILL.
flushCompileCache()

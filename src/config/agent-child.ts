// The script of an agent's child process. Node keeps what it compiles from here on, so that the
// next one starts faster; everything else is loaded after that.
import { enableCompileCache } from 'node:module'

enableCompileCache()
const { serveConfigured } = await import('./serve-configured.ts')
serveConfigured(process.argv[2] ?? '')

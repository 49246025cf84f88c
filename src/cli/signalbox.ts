#!/usr/bin/env node
// The command line's entry. Node keeps what it compiles from here on, so that the next start is
// faster; everything else is loaded after that.
import { enableCompileCache } from 'node:module'

enableCompileCache()
const { main } = await import('./process.ts')
await main()

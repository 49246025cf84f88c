#!/usr/bin/env node
// The command line's entry. Node keeps what it compiles from here on, so that the next start is
// faster; everything else is loaded after that.
import * as nodeModule from 'node:module'

// An older Node.js, which lacks it, is to say later that it is too old.
if ('enableCompileCache' in nodeModule) nodeModule.enableCompileCache()
const { main } = await import('./process.ts')
await main()

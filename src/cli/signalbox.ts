#!/usr/bin/env node
// The command line's entry, which an older Node.js can read, too. Node keeps what it compiles from
// here on, so that the next start is faster; everything else is loaded after that.
import { keepCompiled } from '../lib/compile-cache.ts'
import { OLDEST_NODE } from './oldest-node.ts'

const { node } = process.versions
if (Number.parseInt(node, 10) < OLDEST_NODE) {
  process.stderr.write(
    `signalbox: It needs Node.js ${OLDEST_NODE} or newer, and ${process.execPath} is ${node}.\n` +
      '  → Install one from https://nodejs.org, or put a newer one first on the PATH.\n',
  )
  process.exitCode = 1
} else {
  keepCompiled()
  const { main } = await import('./process.ts')
  await main()
}

import { defineConfig } from 'vitest/config'
import { FailedFiles } from './test/failed-files.ts'

/** Real PostgreSQL for tests that ask for one: see test/global-setup.ts and test/database.ts. */
export default defineConfig({
  resolve: { conditions: ['signalbox-source'] },
  ssr: { resolve: { conditions: ['signalbox-source'] } },
  test: {
    include: [
      'src/**/*.test.ts',
      'sdk/src/**/*.test.ts',
      'handler/src/**/*.test.ts',
      'fake-github/**/*.test.ts',
      'bench/*.test.ts',
      'test/**/*.test.ts',
    ],
    setupFiles: ['test/fuzz.ts'],
    globalSetup: ['test/global-setup.ts'],
    // They end what hangs, and a busy machine is slow: what must be quick is measured by its test.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000, interval: 10 } },
    maxWorkers: 3,
    reporters: ['default', new FailedFiles()],
  },
})

// Processor time: by the clock a busy machine takes long for what costs little.

/** Runs something; how many milliseconds of the processor this thread took for it. */
export function cpuMs(run: () => void): number {
  const before = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

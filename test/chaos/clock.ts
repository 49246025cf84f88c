// A wrong clock, loaded before everything else: the parent says how many milliseconds it is ahead,
// and may change that at any time. Timers go on as they are, as on a machine whose time is set.
let aheadMs = 0
const RealDate = Date

globalThis.Date = class extends RealDate {
  constructor(...given: [] | [value: number | string | Date]) {
    // As many arguments as were given: the real one tells them apart by their number.
    super(...((given.length === 0 ? [RealDate.now() + aheadMs] : given) as [number]))
  }

  static override now(): number {
    return RealDate.now() + aheadMs
  }
} as DateConstructor

process.on('message', (message: { aheadMs?: number }) => {
  if (message.aheadMs !== undefined) ({ aheadMs } = message)
})
// Whoever loads this may have no parent that it should wait for.
process.channel?.unref()

// When agents ran, from what they recorded, and which of one group ran at the same time.
import type { Attempted, Entry } from '../journal.ts'

/** One run of an agent: what of it was really running, a process that stalls being none. */
export type Run = Attempted & { pid: number; from: number; to: number; parts: Part[] }
type Part = { from: number; to: number }

/** Two runs of one group at the same time. `excused` is what only a stall of a process explains. */
export type Overlap = { group: string; first: Run; second: Run; ms: number }

type Options = {
  /** A stall that is shorter cost no lease. */
  stallMs: number
  /** What an agent may take to be stopped after its process has stalled. */
  graceMs: number
}

/** The runs of all agents, in the order they began. */
export function runsOf(entries: readonly Entry[], options: Options): Run[] {
  const gone = new Map(entries.flatMap((entry) => (entry.what === 'gone' ? [[entry.pid, entry.at]] : [])))
  const made = new Map(entries.flatMap((entry) => (entry.what === 'runs' ? [[keyOf(entry), entry.pid]] : [])))
  const stalls = stallsIn(entries, options)
  const runs = new Map<string, Run>()
  for (const entry of entries) {
    if (entry.what === 'begin') runs.set(keyOf(entry), { ...entry, from: entry.at, to: entry.at, parts: [] })
    else if (entry.what === 'end' || entry.what === 'alive') extend(runs.get(keyOf(entry)), entry)
  }
  for (const run of runs.values()) {
    const maker = made.get(keyOf(run))
    // Without an end it ran until its process was gone; a program says itself that it is alive.
    if (run.to === run.from && maker === undefined) run.to = gone.get(run.pid) ?? Number.POSITIVE_INFINITY
    run.parts = without(run, stalls.get(maker ?? run.pid) ?? [])
  }
  return [...runs.values()].sort((a, b) => a.from - b.from)
}

/** The pairs of runs of one group that were running at the same time. */
export function overlapsIn(runs: readonly Run[]): Overlap[] {
  const groups = Map.groupBy(runs, ({ group }) => group)
  return [...groups].flatMap(([group, members]) =>
    members.flatMap((first, i) =>
      members.slice(i + 1).flatMap((second) => {
        const ms = sharedMs(first.parts, second.parts)
        return ms > 0 ? [{ group, first, second, ms }] : []
      }),
    ),
  )
}

function keyOf({ job, attempt }: Attempted): string {
  return `${job}:${attempt}`
}

function extend(run: Run | undefined, { at }: { at: number }): void {
  if (run) run.to = at
}

function stallsIn(entries: readonly Entry[], { stallMs, graceMs }: Options): Map<number, Part[]> {
  const stalls = entries.flatMap((entry) => (entry.what === 'stall' && entry.ms >= stallMs ? [entry] : []))
  return new Map(
    [...Map.groupBy(stalls, ({ pid }) => pid)].map(([pid, own]) => [
      pid,
      own.map(({ at, ms }) => ({ from: at, to: at + ms + graceMs })),
    ]),
  )
}

function without(whole: Part, cuts: readonly Part[]): Part[] {
  return cuts.reduce<Part[]>(
    (parts, cut) =>
      parts
        .flatMap(({ from, to }) => [
          { from, to: Math.min(to, cut.from) },
          { from: Math.max(from, cut.to), to },
        ])
        .filter(({ from, to }) => to > from),
    [whole],
  )
}

function sharedMs(first: readonly Part[], second: readonly Part[]): number {
  let ms = 0
  for (const a of first) {
    for (const b of second) ms += Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from))
  }
  return ms
}

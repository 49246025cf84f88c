// Child processes that must not outlive this process, even when it ends by SIGKILL; and those that
// must not outlive what it has leased, even when it is frozen.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'

// One shell for the whole process reads from a pipe that only this process keeps open. Each line
// adds or removes what is to be signalled; the end of the pipe means that this process has ended.
// Not a shell for each child, because those would be left to process 1, which is this very program
// in many containers, and Node.js does not reap processes it did not start.
// A line "= 20" has it signal what is leased in 20 seconds, unless another such line comes before.
// A subshell sleeps for that, because a read of POSIX has no time limit; it says what it signals
// before it does, so that this process knows it when it sees their end.
// A line "? mark" announces a child before it has an id, and "! mark" says that it is known: this
// process may end between the two. Such a child is found by the mark in its environment, where
// there is /proc; it may be about to get that.
const WATCH = `
trap '' HUP INT TERM PIPE
all=
leased=
marks=
timer=
without() { rest=; for other in $2; do [ "$other" = "$1" ] || rest="$rest $other"; done; }
end() { for one in $1; do kill -s "\${one%%:*}" -- "\${one#*:}" 2>/dev/null; done; }
stop() {
  [ -n "$timer" ] || return
  kill -s USR1 "$timer" 2>/dev/null
  wait "$timer" 2>/dev/null
  timer=
}
while read -r change one; do
  case $change in
  +) all="$all $one" ;;
  l) leased="$leased $one" ;;
  '?') marks="$marks $one" ;;
  '!') without "$one" "$marks"; marks=$rest ;;
  -)
    without "$one" "$all"; all=$rest
    without "$one" "$leased"; leased=$rest ;;
  =)
    stop
    [ "$one" = none ] && continue
    (
      nap=
      trap '[ -z "$nap" ] || kill "$nap" 2>/dev/null; exit' USR1
      sleep "$one" & nap=$!
      wait "$nap" && { echo "$leased" 2>/dev/null; end "$leased"; }
    ) &
    timer=$! ;;
  esac
done
stop
end "$all"
for mark in $marks; do
  for nap in 0.1 0.4 1.5; do
    for file in $(grep -lsF -- "=$mark" /proc/[0-9]*/environ); do
      file=\${file%/environ}
      kill -s KILL -- "\${file##*/}" 2>/dev/null
    done
    sleep "$nap"
  done
done`
const SHELL = '/bin/sh'

/**
 * `group`: it leads a process group, and all of it is signalled. `isLeased`: also when the leases
 * of `endWithLease` are over. `mark`: a value that is in its environment and in no other; without
 * it a child is left if this process is killed in the moment in which it starts the child.
 */
export type EndOptions = { signal: 'INT' | 'KILL'; group: boolean; isLeased?: boolean; mark?: string }

type Watched = { isLeased: boolean; hasEndedWithLease: boolean }
const watched = new Map<string, Watched>()
const byChild = new WeakMap<ChildProcess, Watched>()
let pipe: Writable | undefined

/** How long each of those who lease something has it for sure; null: nothing. */
const leases = new Set<() => number | null>()
/** When the watcher ends what is leased, by `performance.now()`; null: never. */
let endsAt: number | null = null
let saying: NodeJS.Timeout | undefined
const MAX_PAUSE_MS = 1000
const MIN_PAUSE_MS = 50

/**
 * Starts a child process with `start`, and has it signalled when this process has ended, however it
 * ended; with `group` the whole process group that it leads. With `isLeased` it is signalled too
 * when the leases of `endWithLease` are over. Does nothing more than `start` on a machine without
 * `/bin/sh`.
 */
export function endWithUs<Child extends ChildProcess>(
  start: () => Child,
  { signal, group, isLeased = false, mark }: EndOptions,
): Child {
  // Before the child: what is killed between the two must leave nothing.
  pipe ??= openWatcher()
  if (mark !== undefined) pipe.write(`? ${mark}\n`)
  const child = start()
  if (mark !== undefined) setImmediate(() => pipe?.write(`! ${mark}\n`))
  if (child.pid === undefined) return child
  const entry = `${signal}:${group ? -child.pid : child.pid}`
  add(pipe, entry, isLeased)
  const one = { isLeased, hasEndedWithLease: false }
  watched.set(entry, one)
  byChild.set(child, one)
  if (isLeased) sayLease(true)
  child.once('exit', () => {
    // At once, because its id may become another's.
    pipe?.write(`- ${entry}\n`)
    // What the watcher has said of it may be read after its end, in the same turn.
    setImmediate(() => watched.get(entry) === one && watched.delete(entry))
  })
  return child
}

/**
 * Whether the child was signalled because the leases were nearly over, and is not to blame for its
 * end. Known from the turn of the event loop after its `exit`.
 */
export function hasEndedWithLease(child: ChildProcess): boolean {
  return byChild.get(child)?.hasEndedWithLease === true
}

/**
 * Ends what is leased when `leftMs` is over and this process has not said more by then: it is
 * frozen, or its event loop is blocked, and what it runs may soon run elsewhere. Returns what takes
 * that back.
 */
export function endWithLease(leftMs: () => number | null): () => void {
  leases.add(leftMs)
  return () => {
    leases.delete(leftMs)
    if (leases.size === 0) sayLease()
  }
}

/** Says to the watcher how long what is leased may run, where that has changed, again and again. */
function sayLease(isNew = false): void {
  clearTimeout(saying)
  const left = [...leases].flatMap((leftMs) => leftMs() ?? [])
  const leftMs = left.length === 0 ? null : Math.max(0, Math.min(...left))
  const isSaid = leftMs === null ? endsAt === null : !isNew && isClose(performance.now() + leftMs, leftMs)
  if (!isSaid) {
    endsAt = leftMs === null ? null : performance.now() + leftMs
    pipe?.write(`= ${leftMs === null ? 'none' : (leftMs / 1000).toFixed(2)}\n`)
  }
  if (leases.size === 0 || ![...watched.values()].some(({ isLeased }) => isLeased)) return
  const pauseMs = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, (leftMs ?? MAX_PAUSE_MS * 8) / 8))
  saying = setTimeout(sayLease, pauseMs).unref()
}

/** Whether the watcher knows this end or one a little earlier: a line costs two processes. */
function isClose(at: number, leftMs: number): boolean {
  return endsAt !== null && endsAt <= at && at - endsAt < leftMs / 4
}

function add(to: Writable, entry: string, isLeased: boolean): void {
  to.write(`+ ${entry}\n${isLeased ? `l ${entry}\n` : ''}`)
}

function noteEnded(entries: string): void {
  for (const entry of entries.split(' ')) {
    const one = watched.get(entry)
    if (one) one.hasEndedWithLease = true
  }
}

function openWatcher(): Writable {
  const watcher = spawn(SHELL, ['-c', WATCH], {
    cwd: '/',
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
    // In a session of its own, which Ctrl-C in a terminal does not reach.
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const { stdin, stdout } = watcher
  createInterface({ input: stdout }).on('line', noteEnded)
  watcher.on('error', () => {})
  watcher.once('exit', () => {
    pipe = undefined
    endsAt = null
  })
  watcher.unref()
  stdin.on('error', () => {})
  for (const end of [stdin, stdout]) if (end instanceof Socket) end.unref()
  for (const [entry, { isLeased }] of watched) add(stdin, entry, isLeased)
  return stdin
}

// Child processes that must not outlive this process, even when it ends by SIGKILL.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'

// One shell for the whole process reads from a pipe that only this process keeps open. Each line
// adds or removes what is to be signalled; the end of the pipe means that this process has ended.
// Not a shell for each child, because those would be left to process 1, which is this very program
// in many containers, and Node.js does not reap processes it did not start.
const WATCH = `
trap '' HUP INT TERM
all=
while read -r change one; do
  if [ "$change" = + ]; then all="$all $one"; continue; fi
  rest=
  for other in $all; do [ "$other" = "$one" ] || rest="$rest $other"; done
  all=$rest
done
for one in $all; do kill -s "\${one%%:*}" -- "\${one#*:}" 2>/dev/null; done`
const SHELL = '/bin/sh'

const watched = new Set<string>()
let pipe: Writable | undefined

/**
 * Starts a child process with `start`, and has it signalled when this process has ended, however it
 * ended; with `group` the whole process group that it leads. Does nothing more than `start` on a
 * machine without `/bin/sh`.
 */
export function endWithUs<Child extends ChildProcess>(
  start: () => Child,
  { signal, group }: { signal: 'INT' | 'KILL'; group: boolean },
): Child {
  // Before the child: what is killed between the two must leave nothing.
  pipe ??= openWatcher()
  const child = start()
  if (child.pid === undefined) return child
  const entry = `${signal}:${group ? -child.pid : child.pid}`
  pipe.write(`+ ${entry}\n`)
  watched.add(entry)
  // At once, because its id may become another's.
  child.once('exit', () => {
    watched.delete(entry)
    pipe?.write(`- ${entry}\n`)
  })
  return child
}

function openWatcher(): Writable {
  const watcher = spawn(SHELL, ['-c', WATCH], {
    cwd: '/',
    env: {},
    // In a session of its own, which Ctrl-C in a terminal does not reach.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const { stdin } = watcher
  watcher.on('error', () => {})
  watcher.once('exit', () => {
    pipe = undefined
  })
  watcher.unref()
  stdin.on('error', () => {})
  if (stdin instanceof Socket) stdin.unref()
  for (const entry of watched) stdin.write(`+ ${entry}\n`)
  return stdin
}

// The script deploy/tmux, with a real tmux, as a person runs it.
import { execFile, execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onTestFinished, test } from 'vitest'
import { openTestDatabase } from './database.ts'
import { openTestFolder } from './folder.ts'
import { TOKEN } from './keys.ts'
import { until } from './until.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const hasTmux = (() => {
  try {
    execFileSync('tmux', ['-V'])
    return true
  } catch {
    return false
  }
})()

test.runIf(hasTmux)(
  'both parts run in tmux, do a job together, and end when asked to',
  { timeout: 180_000 },
  async () => {
    const database = await openTestDatabase()
    onTestFinished(database.close)
    const folder = await openTestFolder()
    const settings = [`DATABASE_URL=${database.url}`, `SIGNALBOX_API_TOKEN=${TOKEN}`, 'PORT=0', 'HOST=127.0.0.1']
    await writeFile(join(folder, '.env'), settings.join('\n'))
    const env = { PATH: `${ROOT}bin:${process.env.PATH}`, HOME: folder, TMUX_TMPDIR: folder, LANG: 'C.UTF-8' }
    const runIn = (program: string, ...args: string[]) => promisify(execFile)(program, args, { cwd: folder, env })
    onTestFinished(() => runIn('tmux', '-L', 'signalbox', 'kill-server').then(undefined, () => undefined))
    await runIn(`${ROOT}deploy/tmux`)
    const screen = () => runIn('tmux', '-L', 'signalbox', 'capture-pane', '-p', '-J', '-t', 'signalbox:receiver')
    const [url] = await until('it listens', async () => /http:\/\/127\.0\.0\.1:\d+/.exec((await screen()).stdout))
    await fetch(`${url}/webhook/manual`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } })
    await until('the job is done', async () => {
      const { rows } = await database.query(`select from signalbox.jobs where status = 'completed'`)
      return rows.length === 1
    })
    await runIn(`${ROOT}deploy/tmux`, 'stop')
    await until('the session is gone', () =>
      runIn('tmux', '-L', 'signalbox', 'has-session').then(
        () => false,
        () => true,
      ),
    )
  },
)

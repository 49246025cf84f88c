// Deployments end to end: a release, commands and merges on a strict GitHub, and the operator's own
// program. No model is set up.
import { appendFile, readFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { defaultRules } from '../src/config/default-rules.ts'
import { DEPLOY_RULES } from '../src/config/deploy-rules.ts'
import { BOT_TOKEN, openFakeTelegram } from '../src/deliveries/fixtures/fake-telegram.ts'
import type { DeployStage } from './deploy-stage.ts'
import { openDeployStage } from './deploy-stage.ts'
import { until } from './signalbox.ts'

// Each test starts services and programs.
let stage: DeployStage
afterEach(() => stage.close())

async function outcomeOf(number: number): Promise<string[]> {
  await stage.github.settled()
  const bodies = (await stage.shop.issueComments(number)).map(({ body, user }) => ({ body, by: user.login }))
  return bodies.flatMap(({ body, by }) => (by === 'signalbox' ? [body.split('\n\n<!--')[0] ?? ''] : []))
}

describe('a release', () => {
  test('is deployed by the program, which gets what it is about, and the one before is inactive', async () => {
    stage = await openDeployStage({ environment: { url: 'https://shop.example.com' } })
    const first = await stage.release('v1.0.0')
    await stage.ended(1)
    const second = await stage.release('v1.1.0')
    const [, job] = await stage.ended(2)
    expect(job).toMatchObject({ status: 'completed', job_type: 'github_release' })
    expect(job?.result).toMatchObject({
      message: expect.stringMatching(/^Deployed v1\.1\.0 \([0-9a-f]{7}\) of acme\/shop to production in \d+ s$/),
      url: 'https://shop.example.com',
    })
    const facts = { kind: 'deploy', environment: 'production', repository: 'acme/shop', actor: 'acme' }
    expect(await stage.ran()).toMatchObject([
      { ...facts, sha: first, version: 'v1.0.0', previous: null },
      { ...facts, sha: second, version: 'v1.1.0', previous: { sha: first, version: 'v1.0.0' } },
    ])
    expect(await stage.deployments()).toMatchObject([
      { sha: first, version: 'v1.0.0', states: ['queued', 'in_progress', 'success', 'inactive'] },
      { sha: second, version: 'v1.1.0', states: ['queued', 'in_progress', 'success'] },
    ])
  })

  test('that fails is rolled back to what was live, and the job says so', async () => {
    stage = await openDeployStage()
    const good = await stage.release('v1')
    await stage.ended(1)
    await stage.behave(`case "$input" in *'"kind":"deploy"'*) exit 3;; esac`)
    const bad = await stage.release('v2')
    const [, job] = await stage.ended(2)
    expect(job).toMatchObject({
      status: 'failed',
      error: `Deployment of v2 (${bad.slice(0, 7)}) of acme/shop to production failed: exit code 3. Rolled back to v1 (${good.slice(0, 7)})`,
    })
    expect((await stage.ran()).at(-1)).toMatchObject({ kind: 'rollback', sha: good, failed: { sha: bad } })
    await until('all is said', async () => (await stage.signalbox.count('signalbox.jobs', 'finished_at is null')) === 0)
    expect(await stage.deployments()).toMatchObject([
      { sha: good, states: ['queued', 'in_progress', 'success', 'inactive'] },
      { sha: bad, states: ['queued', 'in_progress', 'failure'] },
      { sha: good, task: 'rollback', states: ['in_progress', 'success'] },
    ])
  })
})

describe('a command', () => {
  test('deploys a branch, and says so where it was written; /rollback goes back', async () => {
    stage = await openDeployStage()
    const { number } = await stage.shop.openIssue({ title: 'Ship it' }, 'jane')
    await stage.release('v1')
    await stage.ended(1)
    await stage.shop.commit({ message: 'Fix', branch: 'fix', files: { 'fix.txt': 'x' } })
    await stage.shop.comment(number, '/deploy production fix', 'jane')
    await stage.ended(2)
    await stage.shop.comment(number, '/rollback production', 'jane')
    const [, , back] = await stage.ended(3)
    expect(back?.error).toBeNull()
    expect(back).toMatchObject({ status: 'completed', job_type: 'rollback' })
    const said = await outcomeOf(number)
    expect(said).toMatchObject([
      expect.stringMatching(/^Deployed fix \([0-9a-f]{7}\) of acme\/shop to production in \d+ s$/),
      expect.stringMatching(/^Rolled back to v1 \([0-9a-f]{7}\) of acme\/shop to production in \d+ s$/),
    ])
    expect((await stage.ran()).map(({ kind, version, actor }) => [kind, version, actor])).toEqual([
      ['deploy', 'v1', 'acme'],
      ['deploy', 'fix', 'jane'],
      ['rollback', 'v1', 'jane'],
    ])
    expect((await stage.deployments()).map(({ states }) => states.at(-1))).toEqual(['inactive', 'inactive', 'success'])
  })
})

/** Shell that goes on when the test makes the file. */
function waitsFor(gate: string): string {
  return `while [ ! -e ${gate}.open ]; do sleep 0.05; done`
}

describe('of one environment', () => {
  test('one is deployed at a time: of six releases in a burst the running one ends, and the newest follows', async () => {
    stage = await openDeployStage()
    const gate = `${stage.script}.gate`
    await stage.behave(`echo begin >> ${gate}; ${waitsFor(gate)}; echo end >> ${gate}`)
    await stage.release('v1')
    await until('the first runs', async () => (await stage.ran()).length === 1)
    for (const n of [2, 3, 4, 5, 6]) await stage.release(`v${n}`)
    await stage.github.settled()
    await appendFile(`${gate}.open`, '')
    const jobs = await stage.ended(6)
    expect(jobs.map(({ status }) => status)).toEqual([
      'completed',
      ...Array.from({ length: 4 }, () => 'cancelled'),
      'completed',
    ])
    expect((await stage.ran()).map(({ version }) => version)).toEqual(['v1', 'v6'])
    expect(await readFile(gate, 'utf8')).toBe('begin\nend\n'.repeat(2))
    expect((await stage.deployments()).map(({ version, states }) => [version, states.at(-1)])).toEqual([
      ['v1', 'inactive'],
      ['v6', 'success'],
    ])
  })

  test('a rollback takes its turn with the deployments of all rules, and is newer than what waits', async () => {
    stage = await openDeployStage()
    const { number } = await stage.shop.openIssue({ title: 'Oh no' }, 'jane')
    for (const n of [1, 2]) {
      await stage.release(`v${n}`)
      await stage.ended(n)
    }
    await stage.behave(waitsFor(stage.script))
    await stage.release('v3')
    await until('the third runs', async () => (await stage.ran()).length === 3)
    await stage.release('v4')
    await stage.shop.comment(number, '/rollback production', 'jane')
    await stage.github.settled()
    await appendFile(`${stage.script}.open`, '')
    const jobs = await stage.ended(5)
    expect(jobs.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed', 'cancelled', 'completed'])
    expect((await stage.ran()).map(({ kind, version }) => `${kind} ${version}`).slice(2)).toEqual([
      'deploy v3',
      'rollback v2',
    ])
  })
})

describe('before it begins', () => {
  test('as many people as needed approve this commit and these programs, and not whoever asked for it', async () => {
    stage = await openDeployStage({ environment: { approval: { count: 2 } } })
    const { number } = await stage.shop.openIssue({ title: 'Ship it' }, 'jane')
    await stage.shop.comment(number, '/deploy', 'jane')
    const waiting = await stage.job(`status = 'waiting'`)
    expect(waiting.waits_for).toMatch(/^Approval of .*Deploy main \([0-9a-f]{7}\) of acme\/shop to production/)
    for (const [nth, by] of ['jane', 'will'].entries()) {
      await stage.shop.comment(number, '/approve', by)
      await stage.job(`status = 'waiting' and attempt = ${waiting.attempt + nth + 1}`)
    }
    expect(await stage.ran()).toEqual([])
    await stage.shop.comment(number, '/approve', 'acme')
    const [done] = await stage.ended(1)
    expect(done).toMatchObject({ status: 'completed' })
    expect(await stage.ran()).toMatchObject([{ version: 'main', actor: 'jane' }])
  })

  test('an approval does not hold for a program that was changed meanwhile', async () => {
    stage = await openDeployStage({ environment: { approval: {} } })
    const { number } = await stage.shop.openIssue({ title: 'Ship it' }, 'jane')
    await stage.shop.comment(number, '/deploy', 'jane')
    const { id, attempt } = await stage.job(`status = 'waiting'`)
    await appendFile(stage.script, '\n# changed\n')
    await stage.shop.comment(number, '/approve', 'will')
    const again = await stage.job(`status = 'waiting' and attempt > ${attempt}`)
    expect(again.id).toBe(id)
    expect(again.waits.filter(({ kind }) => kind === 'approval')).toHaveLength(2)
    expect(await stage.ran()).toEqual([])
    await stage.shop.comment(number, '/approve', 'will')
    expect((await stage.ended(1))[0]).toMatchObject({ status: 'completed' })
  })

  test('nor for a branch that has moved', async () => {
    stage = await openDeployStage({ environment: { approval: {} } })
    const { number } = await stage.shop.openIssue({ title: 'Ship it' }, 'jane')
    await stage.shop.comment(number, '/deploy', 'jane')
    await stage.job(`status = 'waiting'`)
    await stage.shop.commit({ message: 'Later', files: { 'later.txt': 'x' } })
    await stage.shop.comment(number, '/approve', 'will')
    expect((await stage.ended(1))[0]).toMatchObject({
      status: 'completed',
      result: { refused: true, message: expect.stringContaining('another commit') },
    })
    expect(await stage.ran()).toEqual([])
    expect(await stage.deployments()).toMatchObject([{ states: expect.arrayContaining(['queued', 'inactive']) }])
  })

  test('a rejection is the end of it, and is said where it was asked for', async () => {
    stage = await openDeployStage({ environment: { approval: {} } })
    const { number } = await stage.shop.openIssue({ title: 'Ship it' }, 'jane')
    await stage.shop.comment(number, '/deploy', 'jane')
    await stage.job(`status = 'waiting'`)
    await stage.shop.comment(number, '/reject not on a @friday', 'will')
    expect((await stage.ended(1))[0]?.result).toMatchObject({ refused: true })
    expect((await outcomeOf(number)).at(-1)).toMatch(/was not deployed to production: .*rejected by will/)
    expect(await stage.ran()).toEqual([])
  })

  test('a freeze that refuses is said, and one that waits is waited for', async () => {
    const today = new Date().toISOString().slice(0, 10)
    const dates = { from: today, until: today }
    stage = await openDeployStage({ environment: { freeze: [{ dates, reason: 'the audit' }] } })
    await stage.release('v1')
    const { waits, status } = await stage.job(`status = 'waiting'`)
    expect([status, waits[0]?.kind]).toEqual(['waiting', 'sleep'])
    expect((await stage.deployments())[0]?.said.at(-1)).toMatch(/^Waits until \d{4}-/)
    await stage.close()
    stage = await openDeployStage({ environment: { freeze: [{ dates, reason: 'the audit', during: 'refuse' }] } })
    await stage.release('v1')
    expect((await stage.ended(1))[0]?.result).toMatchObject({
      refused: true,
      message: expect.stringMatching(/production is frozen until .*Z \(the audit\)$/),
    })
    expect(await stage.ran()).toEqual([])
  })
})

const IS_FIRST_OR_BACK = `case "$(cat)" in *'"kind":"deploy"'*'"previous":{'*) exit 1;; esac`

describe('after the program', () => {
  test('a health check that fails leads back, and nothing is said to be live', async () => {
    stage = await openDeployStage({
      environment: { healthCheck: { run: ['sh', '-c', IS_FIRST_OR_BACK], attempts: 2, everyMs: 10 } },
    })
    await stage.release('v1')
    await stage.ended(1)
    await stage.release('v2')
    const [, job] = await stage.ended(2)
    expect(job?.error).toMatch(/failed: the health check failed: exit code 1\. Rolled back to v1 \(/)
    const shown = await stage.deployments()
    expect(shown.map(({ version, states }) => [version, states.at(-1)])).toEqual([
      ['v1', 'inactive'],
      ['v2', 'failure'],
      ['v1', 'success'],
    ])
  })

  test('a rollback that fails too is said loudly', async () => {
    stage = await openDeployStage()
    await stage.release('v1')
    await stage.ended(1)
    await stage.behave('exit 4')
    await stage.release('v2')
    const [, job] = await stage.ended(2)
    expect(job?.error).toMatch(
      /FAILED too: exit code 4\. NOT ROLLED BACK, so production may be broken: look at it now$/,
    )
    expect((await stage.deployments()).map(({ states }) => states.at(-1))).toEqual(['success', 'failure', 'failure'])
  })

  test('what it says of itself is used, and nothing else that it leaves there', async () => {
    stage = await openDeployStage()
    await stage.behave(`echo '{"url":"https://v1.example.com","version":"v1 build 7"}' > "$SIGNALBOX_OUTPUT"`)
    await stage.release('v1')
    expect((await stage.ended(1))[0]?.result).toMatchObject({ url: 'https://v1.example.com', version: 'v1 build 7' })
    await stage.behave(`ln -s /etc/passwd "$SIGNALBOX_OUTPUT"`)
    await stage.release('v2')
    expect((await stage.ended(2))[1]).toMatchObject({ status: 'completed', result: { version: 'v2' } })
  })
})

describe('whoever writes', () => {
  test('nothing of a release is an argument, a variable or Markdown, whatever it is called', async () => {
    stage = await openDeployStage()
    const tags = [
      `v1;touch$\{IFS}x`,
      '$(reboot)',
      'a\'b"c',
      '@everyone#1',
      '<img/src=x>',
      '`id`',
      '-rf',
      'ünïcode-🚀',
      '%2e%2e',
    ]
    let made = 0
    for (const tag of tags) {
      const sent = await stage.shop
        .publishRelease({ tag, name: tag, body: '/deploy production main' })
        .catch(() => null)
      if (sent === null) continue
      made++
      await stage.ended(made)
    }
    expect(made).toBeGreaterThan(5)
    const ran = await stage.ran()
    expect(ran.every(({ version }) => tags.includes(version))).toBe(true)
    const jobs = await stage.ended(made)
    expect(jobs.map(({ status }) => status)).toEqual(jobs.map(() => 'completed'))
  })

  test('may: others, other names of environments, and commits of no branch deploy nothing', async () => {
    stage = await openDeployStage({ environment: { refs: ['main', 'v*'] } })
    const { number } = await stage.shop.openIssue({ title: 'Hello' }, 'eve')
    const sha = await stage.shop.commit({ message: 'Mine', branch: 'mine', files: { 'a.txt': 'x' } })
    await stage.shop.comment(number, '/deploy', 'eve')
    expect((await stage.ended(1))[0]).toMatchObject({ status: 'cancelled' })
    const refused = [
      '/deploy __proto__',
      '/deploy production mine',
      `/deploy production ${sha}`,
      '/deploy production ../../x',
      '/deploy production --help',
    ]
    for (const [at, words] of refused.slice(0, 4).entries()) {
      await stage.shop.comment(number, words, 'jane')
      expect((await stage.ended(at + 2)).at(-1)?.result).toMatchObject({ refused: true })
    }
    expect(await stage.ran()).toEqual([])
    expect(await stage.deployments()).toEqual([])
    expect((await outcomeOf(number)).filter((text) => text.startsWith('Not deployed: '))).toHaveLength(4)
  })

  test('a pre-release is not deployed, and supersedes nothing', async () => {
    stage = await openDeployStage()
    await stage.shop.publishRelease({ tag: 'v2-rc', prerelease: true })
    await stage.release('v1')
    expect(await stage.ended(1)).toMatchObject([{ status: 'completed' }])
    expect(await stage.ran()).toMatchObject([{ version: 'v1' }])
  })
})

test('a job that is cancelled while its program runs says on GitHub that it ended half-way', async () => {
  stage = await openDeployStage()
  await stage.behave('exec sleep 30')
  await stage.release('v1')
  await until('it runs', async () => (await stage.ran()).length === 1)
  const { id } = await stage.job(`status = 'running'`)
  expect((await stage.signalbox.api(`/api/jobs/${id}/cancel`, { method: 'POST' })).status).toBe(200)
  expect(await stage.ended(1)).toMatchObject([{ status: 'cancelled' }])
  await until('that is said', async () => (await stage.deployments())[0]?.states.at(-1) === 'error')
  expect((await stage.deployments())[0]?.states).toEqual(['queued', 'in_progress', 'error'])
})

test('of a staged rule nothing is run and nothing is written', async () => {
  stage = await openDeployStage({ rules: DEPLOY_RULES.map((rule) => ({ ...rule, staged: true })) })
  await stage.release('v1')
  expect(await stage.ended(1)).toMatchObject([{ status: 'completed', result: { staged: true } }])
  expect([await stage.ran(), await stage.deployments()]).toEqual([[], []])
})

test('by hand it is deployed in the same group', async () => {
  stage = await openDeployStage()
  const body = { job_type: 'deploy', payload: { repository: 'acme/shop', ref: 'main' } }
  expect((await stage.signalbox.api('/webhook/manual', { method: 'POST', body })).status).toBeLessThan(300)
  expect((await stage.ended(1)).map(({ error }) => error)).toEqual([null])
  const { rows } = await stage.signalbox.database.query('select group_key from signalbox.jobs')
  expect(rows).toEqual([{ group_key: 'deploy:acme/shop:production' }])
})

test('its outcome is a message in Telegram, with nothing of a tag that acts there', async () => {
  stage = await openDeployStage()
  const telegram = await openFakeTelegram()
  const body = {
    kind: 'telegram',
    name: 'ops',
    url: telegram.url,
    events: ['job.completed', 'job.failed'],
    settings: { chat_id: '12345' },
    credential: BOT_TOKEN,
  }
  expect((await stage.signalbox.api('/api/endpoints', { method: 'POST', body })).status).toBe(201)
  await stage.release('@channel')
  await stage.ended(1)
  await stage.behave('exit 3')
  await stage.release('v2')
  await stage.ended(2)
  await until('both are said', async () => telegram.messages.length === 2)
  const [done, failed] = telegram.messages
  expect(done?.text).toMatch(/^✅ Deployed ＠channel \([0-9a-f]{7}\) of acme\/shop to production in \d+ s\n/)
  expect(failed?.text).toMatch(
    /^❌ Deployment of v2 \([0-9a-f]{7}\) of acme\/shop to production failed: exit code 3\. /,
  )
  expect([done, failed].flatMap((each) => each?.mentions)).toEqual([])
  await telegram.close()
})

describe('the pull request of a deployment', () => {
  const record = async (environment: string) => {
    const body = {
      project_id: 'p',
      app_name: 'bot',
      variant_name: 'v',
      environment,
      config: { temperature: 1 },
      deployed_by: 'jane@example.com',
    }
    const answer = await stage.signalbox.api('/api/deployments', { method: 'POST', body })
    return ((await answer.json()) as { deployment_id: string }).deployment_id
  }

  test('is deployed when it is merged, and answered there', async () => {
    stage = await openDeployStage({ rules: defaultRules })
    await record('production')
    const pull = await until('it is open', async () => (await stage.shop.pulls('open'))[0])
    const sha = await stage.shop.mergePullRequest(pull.number, 'jane')
    const [job] = await stage.ended(1)
    expect(job).toMatchObject({ status: 'completed', rule: 'deploy-merged' })
    expect(await stage.ran()).toMatchObject([{ sha, actor: 'jane' }])
    expect(await outcomeOf(pull.number)).toMatchObject([expect.stringMatching(/^Deployed main \(/)])
  })

  test('of somebody else deploys nothing, on whatever branch and with whatever text', async () => {
    stage = await openDeployStage({ rules: defaultRules })
    const id = await record('production')
    const own = await until('it is open', async () => (await stage.shop.pulls('open'))[0])
    await stage.shop.commit({
      message: 'Mine',
      branch: `agenta/deploy-x-${id.replace('deploy_', '')}`,
      files: { 'x.txt': 'x' },
    })
    const { number } = await stage.shop.openPullRequest(
      { title: 'Mine', head: `agenta/deploy-x-${id.replace('deploy_', '')}`, base: 'main', body: own.body ?? '' },
      'will',
    )
    await stage.shop.mergePullRequest(number, 'will')
    const [job] = await stage.ended(1)
    expect(job?.result).toMatchObject({
      refused: true,
      message: expect.stringContaining('not one that this program has opened'),
    })
    expect(await stage.ran()).toEqual([])
  })
})

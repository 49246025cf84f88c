import type { RepositoryHandle } from '@signalbox/fake-github'
import { afterAll, describe, expect, test } from 'vitest'
import { openStage } from './fixtures/stage.ts'
import type { PullRequestOutput } from './pull-request-output.ts'

const stage = await openStage()
const { fake, makeRepository, send, forgeWith, commitsOn } = stage
afterAll(() => fake.close())

const FILE = 'deployments/bot/production.json'

function deployed(id: number, config: object = { temperature: id / 10 }): Partial<PullRequestOutput> {
  const file = {
    app_name: 'bot',
    environment: 'production',
    deployment_id: `d${id}`,
    commit_message: `Message ${id}`,
    deployed_by: 'jane@company.com',
    deployed_at: `2025-11-20T10:3${id}:00Z`,
    variant: { name: `v${id}`, id: null, revision: id },
    config,
  }
  return {
    changes: [{ path: FILE, content: `${JSON.stringify(file)}\n` }],
    combined: { file: FILE, title: 'Deploy {app} {revision}' },
    note: `v${id} by jane`,
  }
}

async function deploy(repo: RepositoryHandle, id: number, more: Partial<PullRequestOutput> = {}) {
  return send(repo, id, { ...deployed(id), ...more })
}

async function onlyPull(repo: RepositoryHandle) {
  const [pull, ...others] = await repo.pulls('open')
  expect(others).toEqual([])
  return { title: pull?.title, body: pull?.body ?? '' }
}

/** The rows of the table, by their variants. */
function rows(body: string): string[] {
  return Array.from(body.matchAll(/^\| 2025\S+ \S+ UTC \| (v\d+)/gm), ([, variant]) => variant ?? '')
}

describe('a pull request that holds several deployments', () => {
  test('says what merging would change, and who deployed each of them when and why', async () => {
    const repo = await makeRepository()
    await deploy(repo, 7)
    await repo.mergePullRequest(1)
    for (const id of [8, 9]) await deploy(repo, id)
    const { title, body } = await onlyPull(repo)
    expect(title).toBe('Deploy bot 9')
    expect(body).toContain('## Changes\n\n### Modified Parameters\n\n- **temperature**: `0.7` → `0.9`\n\n## Commit')
    expect(body).toContain('| 2025-11-20 10:39:00 UTC | v9 (revision 9) | jane@company.com | Message 9 |')
    expect(rows(body)).toEqual(['v9', 'v8'])
    expect(body).toMatch(/<!-- signalbox:key=deployment=8 key=deployment=9 series=\S+ order=9 -->$/)
  })

  test('says the same whatever a person has made of its body, and keeps no word of that', async () => {
    const repo = await makeRepository()
    for (const id of [1, 2]) await deploy(repo, id)
    const { body } = await onlyPull(repo)
    await forgeWith().updatePullRequest(repo.fullName, 1, {
      body: body.replace(/\n## Deployments.*(?=\n\n<!--)/s, '').replace('key=deployment=1 ', ''),
    })
    await deploy(repo, 3)
    const after = (await onlyPull(repo)).body
    expect(rows(after)).toEqual(['v3', 'v2', 'v1'])
    expect(after).toContain('key=deployment=1 ')
  })

  test('links what is shortened to the file at the commit', async () => {
    const repo = await makeRepository()
    const prompt = Array.from({ length: 1000 }, (_, at) => `line ${at}`).join('\n')
    await deploy(repo, 1)
    await send(repo, 2, deployed(2, { prompt }))
    const sha = await repo.head('agenta/deploy-bot-1')
    const link = `[${FILE}](<${repo.htmlUrl}/blob/${sha}/${FILE}>)`
    expect((await onlyPull(repo)).body).toContain(`*Long values are shortened: see ${link} in this pull request.*`)
  })

  test('is described once more by who has added a commit while it was written', async () => {
    const repo = await makeRepository()
    await deploy(repo, 1)
    let second: Promise<unknown> | undefined
    // Before the first update writes the body, the second has done all of its work.
    fake.faults.add({
      method: 'PATCH',
      route: /\/pulls\/1$/,
      before: async () => {
        second ??= deploy(repo, 3)
        await second
      },
    })
    await deploy(repo, 2)
    const { title, body } = await onlyPull(repo)
    expect(title).toBe('Deploy bot 3')
    expect(rows(body)).toEqual(['v3', 'v2', 'v1'])
    for (const id of [1, 2, 3]) expect(body).toContain(`key=deployment=${id} `)
  })

  test('has a comment for one that came late, once, and not its file', async () => {
    const repo = await makeRepository()
    for (const id of [1, 4, 3, 3]) await deploy(repo, id)
    const { body } = await onlyPull(repo)
    expect(rows(body)).toEqual(['v4', 'v1'])
    expect(body).toContain('key=deployment=3 ')
    const comments = await forgeWith().comments(repo.fullName, { pullRequest: 1 })
    expect(comments.map(({ body: text }) => text)).toEqual([
      'Arrived after a newer one, so it changes nothing here:\n\nv3 by jane\n\n<!-- signalbox:key=deployment=3 -->',
    ])
    expect(await commitsOn(repo, 'agenta/deploy-bot-1')).toEqual(['Deploy v1 to production', 'Deploy v4 to production'])
  })

  test('without templates has the body of the newest', async () => {
    const repo = await makeRepository()
    for (const id of [1, 3, 2]) await send(repo, id)
    expect(await onlyPull(repo)).toMatchObject({
      title: 'Deploy bot 3',
      body: expect.stringMatching(/^Deployment 3\n/),
    })
  })
})

describe('with "separate"', () => {
  const separate = { onOpenPullRequest: 'separate' } as const

  test.each(['merge', 'squash'] as const)(
    'each has a pull request of its own, the older is closed with a note, and the newest merges by %s',
    async (merge_method) => {
      const repo = await makeRepository()
      expect(await deploy(repo, 1, separate)).toMatchObject({ number: 1, created: true })
      expect(await deploy(repo, 2, separate)).toMatchObject({ number: 2, created: true })
      expect(await deploy(repo, 2, separate)).toMatchObject({ number: 2, created: false })
      expect(await deploy(repo, 1, separate)).toMatchObject({ number: 1, created: false })
      const [first, second] = await repo.pulls('all')
      expect(first).toMatchObject({ state: 'closed', body: expect.stringMatching(/^\*Superseded by #2\.\*\n\n/) })
      expect(second).toMatchObject({ state: 'open' })
      await repo.mergePullRequest(2, 'acme', { merge_method })
      expect(await repo.readFile('main', FILE)).toContain('"deployment_id":"d2"')
      expect(await deploy(repo, 3, separate)).toMatchObject({ number: 3, created: true })
      await repo.mergePullRequest(3, 'acme', { merge_method })
      expect(await repo.readFile('main', FILE)).toContain('"deployment_id":"d3"')
    },
  )

  test('one that comes late has none, because it would conflict with the newer or undo it', async () => {
    const repo = await makeRepository()
    await deploy(repo, 2, separate)
    expect(await deploy(repo, 1, separate)).toMatchObject({ number: 1, created: false })
    expect(await repo.pulls('all')).toMatchObject([
      { state: 'open', body: expect.stringContaining('key=deployment=1 ') },
    ])
    await repo.mergePullRequest(1)
    expect(await deploy(repo, 1, separate)).toMatchObject({ number: 1, created: false })
    expect(await repo.readFile('main', FILE)).toContain('"deployment_id":"d2"')
  })

  test('at once, in any order, one stays open: the newest', async () => {
    const repo = await makeRepository()
    await Promise.all([3, 1, 2].map((id) => deploy(repo, id, separate)))
    const open = await repo.pulls('open')
    expect(open.map(({ head }) => head.ref)).toEqual(['agenta/deploy-bot-3'])
    await repo.mergePullRequest(open[0]?.number ?? 0)
  })

  test('one that died before it closed the older does so when it is repeated', async () => {
    const repo = await makeRepository()
    await deploy(repo, 1, separate)
    fake.faults.add({ method: 'PATCH', route: /\/pulls\/1$/, kind: 'status' })
    await expect(deploy(repo, 2, separate)).rejects.toThrow()
    expect(await deploy(repo, 2, separate)).toMatchObject({ number: 2, created: false })
    expect((await repo.pulls('open')).map(({ number }) => number)).toEqual([2])
  })

  test('what is of another app, or of others, stays open', async () => {
    const repo = await makeRepository()
    await deploy(repo, 1, { ...separate, series: 'deploy:other:production' })
    await repo.commit({ message: 'Mine', files: { a: 'b' }, branch: 'agenta/mine', author: 'mallory' })
    const body = '<!-- signalbox:key=deployment=0 series=deploy:bot:production order=0 -->'
    await repo.openPullRequest({ title: 'x', head: 'agenta/mine', body }, 'mallory')
    await deploy(repo, 2, separate)
    expect(await repo.pulls('open')).toHaveLength(3)
  })
})

test('a deployment of another project with the same id and app does not pass for this one', async () => {
  const repo = await makeRepository()
  await deploy(repo, 1)
  const other = { key: 'deployment=other/1', series: 'deploy:other:bot:production' }
  await expect(deploy(repo, 1, other)).rejects.toThrow("has another change's pull request")
  await repo.closePullRequest(1)
  await expect(deploy(repo, 1, other)).rejects.toThrow("has another change's pull request")
})

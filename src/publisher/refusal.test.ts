// What may be written, decided for every kind of output.
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Output } from './output.ts'
import type { OutputLimits, Policy } from './policy.ts'
import type { PullRequestOutput } from './pull-request-output.ts'
import { refusal, requireAllowed } from './refusal.ts'

const repository = 'acme/shop'
const repositories = [repository]
const sha = 'a'.repeat(40)

function pull(more: Partial<PullRequestOutput> = {}, path = 'deployments/bot/production.json'): Output {
  const text = { title: 't', body: 'b', commitMessage: 'm', key: 'k' }
  return { kind: 'pull_request', repository, branch: 'agenta/x', ...text, changes: [{ path, content: 'c\n' }], ...more }
}

function commit(branch: string, path = 'src/a.ts'): Output {
  return { kind: 'commit', repository, branch, message: 'm', key: 'k', changes: [{ path, content: 'c\n' }] }
}

function files(count: number, content = 'a\nb\n') {
  return Array.from({ length: count }, (_, at) => ({ path: `f${at}`, content }))
}

const comment: Output = { kind: 'comment', repository, target: { issue: 1 }, body: 'b', key: 'k' }
const issue: Output = { kind: 'issue', repository, title: 't', body: 'b', labels: ['bot'], key: 'k' }
const review: Output = { kind: 'review', repository, pullRequest: 1, commit: sha, body: 'b', key: 'k' }
const thread: Output = { kind: 'thread', repository, pullRequest: 1, thread: 't', resolve: true, key: 'k' }
const reaction: Output = { kind: 'reaction', repository, target: { issue: 1 }, reaction: 'eyes' }
const check: Output = {
  kind: 'check',
  repository,
  commit: sha,
  check: 'c',
  status: 'queued',
  title: 't',
  summary: '',
  key: 'k',
}
const deployed: Output = {
  kind: 'deployment_status',
  repository,
  target: { ref: 'main', environment: 'staging' },
  state: 'success',
  key: 'k',
}
const byNumber: Output = {
  kind: 'deployment_status',
  repository,
  target: { deployment: 3 },
  state: 'success',
  key: 'k',
}

function labels(add: string[], remove?: string[]): Output {
  return { kind: 'labels', repository, target: { issue: 1 }, labels: add, ...(remove && { remove }) }
}

/** An output, what its rule allows (nothing said: the defaults), and what stands in the refusal. */
const TABLE: [string, Output, OutputLimits | undefined, string | null][] = [
  ['a pull request by default', pull(), undefined, null],
  ['a comment by default', comment, undefined, null],
  ['labels by default', labels(['bug'], ['triage']), undefined, null],
  ['a reaction by default', reaction, undefined, null],
  ['a review by default', review, undefined, null],
  ['a check by default', check, undefined, null],
  ['a thread by default', thread, undefined, null],
  [
    'a commit by default',
    commit('agenta/x'),
    undefined,
    "The rule's outputs have no commit; `outputs: { commit: {} }`",
  ],
  ['an issue by default', issue, undefined, 'outputs have no issue'],
  ['a deployment by default', deployed, undefined, 'outputs have no deployment_status'],
  ['what the rule does not list', comment, { pull_request: {} }, 'outputs have no comment; `outputs: { comment: {} }`'],
  ['anything where nothing is listed', comment, {}, 'outputs have no comment'],
  [
    'a branch of people',
    pull({ branch: 'main' }),
    undefined,
    "does not begin with agenta/ or signalbox/; the rule's outputs.pull_request.branchPrefixes",
  ],
  [
    'a branch with a listed beginning',
    pull({ branch: 'task/1' }),
    { pull_request: { branchPrefixes: ['task/'] } },
    null,
  ],
  [
    'our own where another is listed',
    pull(),
    { pull_request: { branchPrefixes: ['task/'] } },
    'does not begin with task/',
  ],
  ['a branch git refuses', pull({ branch: 'agenta/a..b' }), undefined, 'is not a branch name git accepts'],
  ['a listed base', pull({ base: 'main' }), { pull_request: { base: ['main', 'release/*'] } }, null],
  [
    'another base',
    pull({ base: 'prod' }),
    { pull_request: { base: ['main'] } },
    'base branch prod is not allowed: it must be one of main',
  ],
  ['no base where some are listed', pull(), { pull_request: { base: ['main'] } }, 'The base branch is not named'],
  ['a draft', pull({ draft: true }), { pull_request: { draft: true } }, null],
  ['no draft where it must be one', pull(), { pull_request: { draft: true } }, 'It must be a draft'],
  ['labels of a pull request', pull({ labels: ['Bot'] }), { pull_request: { labels: ['bot'] } }, null],
  [
    'other labels of one',
    pull({ labels: ['automerge'] }),
    { pull_request: { labels: ['bot'] } },
    'The label "automerge" is not allowed; the rule\'s outputs.pull_request.labels',
  ],
  ['one that merges by itself', pull({ autoMerge: 'merge' }), { pull_request: { autoMerge: true } }, null],
  ['such a one by default', pull({ autoMerge: 'merge' }), undefined, "the rule's outputs.pull_request.autoMerge can"],
  ['a commit on our branch', commit('signalbox/a/b'), { commit: {} }, null],
  [
    'a commit on main',
    commit('main'),
    { commit: {} },
    "not one of agenta/**, signalbox/**; the rule's outputs.commit.branches",
  ],
  ['a commit on a listed branch', commit('main'), { commit: { branches: ['main'] } }, null],
  [
    'a commit to a protected path',
    commit('agenta/x', 'Jenkinsfile'),
    { commit: {} },
    'Jenkinsfile is protected; the rule\'s outputs.commit.protectedPaths can allow it with "!Jenkinsfile"',
  ],
  ['allowed labels', labels(['triage/bug'], ['triage/new']), { labels: { allow: ['triage/*'] } }, null],
  ['a label that is not allowed', labels(['deploy']), { labels: { allow: ['triage/*'] } }, 'outputs.labels.allow'],
  [
    'taking such a one off',
    labels([], ['blocked']),
    { labels: { allow: ['triage/*'] } },
    'The label "blocked" is not allowed',
  ],
  ['any label where an empty list allows', labels(['x']), { labels: { allow: [] } }, 'is not allowed'],
  ['the label of an issue', issue, { issue: { labels: ['bot'] } }, null],
  ['another label of one', issue, { issue: { labels: ['human'] } }, 'outputs.issue.labels'],
  [
    'an approval',
    { ...review, event: 'APPROVE' },
    undefined,
    "A review may not APPROVE; the rule's outputs.review.events",
  ],
  ['a listed approval', { ...review, event: 'APPROVE' }, { review: { events: ['APPROVE'] } }, null],
  ['a comment where only approvals are', review, { review: { events: ['APPROVE'] } }, 'may not COMMENT'],
  ['a listed environment', deployed, { deployment_status: { environments: ['staging'] } }, null],
  [
    'another environment',
    deployed,
    { deployment_status: { environments: ['production'] } },
    "The environment staging is not allowed; the rule's outputs.deployment_status.environments",
  ],
  [
    'a deployment of an unknown environment',
    byNumber,
    { deployment_status: { environments: ['staging'] } },
    'environment is not known',
  ],
  ['such a one where none is listed', byNumber, { deployment_status: {} }, null],
  ['100 files', pull({ changes: files(100) }), undefined, null],
  [
    '101 files',
    pull({ changes: files(101) }),
    undefined,
    "101 files are more than the 100 allowed; the rule's outputs.pull_request.maxFiles",
  ],
  ['lines', pull({ changes: files(2) }), { pull_request: { maxLines: 4 } }, null],
  [
    'too many lines',
    pull({ changes: files(2, 'a\nb') }),
    { pull_request: { maxLines: 3 } },
    "4 lines are more than the 3 allowed; the rule's outputs.pull_request.maxLines",
  ],
  ['bytes', pull({ changes: [{ path: 'a', content: { base64: 'AAAA' } }] }), { pull_request: { maxBytes: 3 } }, null],
  [
    'too many bytes',
    pull({ changes: files(1, 'éé') }),
    { pull_request: { maxBytes: 3 } },
    '4 bytes are more than the 3 allowed',
  ],
  [
    'a file twice',
    pull({ changes: [...files(1), { path: 'f0', deleted: true }] }),
    undefined,
    'The path f0 is changed twice',
  ],
]

test.each(TABLE)('%s', (_, output, outputs, reason) => {
  const found = refusal(output, { repositories, ...(outputs && { outputs }) })
  if (reason === null) expect(found).toBeNull()
  else expect(found).toContain(reason)
})

describe('protected', () => {
  const PROTECTED = [
    '.github/workflows/ci.yml',
    '.GitHub/workflows/x.yml',
    '.github/actions/x/action.yml',
    '.github/dependabot.yml',
    '.github/CODEOWNERS',
    'docs/CODEOWNERS',
    '.gitlab-ci.yml',
    '.circleci/config.yml',
    'Jenkinsfile',
    'ci/Jenkinsfile.release',
    'azure-pipelines.yml',
    '.drone.yml',
    '.buildkite/pipeline.yml',
    'bitbucket-pipelines.yml',
    '.travis.yml',
    '.husky/pre-commit',
    '.githooks/pre-push',
    'lefthook.yml',
    '.lefthook-local.toml',
    '.pre-commit-config.yaml',
    '.devcontainer/devcontainer.json',
    '.vscode/tasks.json',
    'renovate.json',
    '.renovaterc',
    '.gitmodules',
    '.gitattributes',
    'a/.gitattributes',
    // It would replace the protected file by a directory.
    '.gitmodules/x',
    'docs/CODEOWNERS/x',
  ]

  test.each(PROTECTED)('%s is neither written nor deleted', (path) => {
    const message = `The path ${path} is protected; the rule's outputs.pull_request.protectedPaths can allow it with "!${path}".`
    expect(refusal(pull({}, path), { repositories })).toBe(message)
    expect(refusal(pull({ changes: [{ path, deleted: true }] }), { repositories })).toBe(message)
    const allowed = { repositories, outputs: { pull_request: { protectedPaths: [`!${path}`] } } }
    expect(refusal(pull({}, path), allowed)).toBeNull()
  })

  const LOCK_FILES = ['package-lock.json', 'a/yarn.lock', 'Cargo.lock', 'go.sum', 'uv.lock']

  test.each(LOCK_FILES)('%s is, where the rule says so', (path) => {
    expect(refusal(pull({}, path), { repositories })).toBeNull()
    const outputs = { pull_request: { protectLockFiles: true } }
    expect(refusal(pull({}, path), { repositories, outputs })).toMatch(/is protected/)
  })

  test("are a rule's own paths beside the others", () => {
    const policy = { repositories, outputs: { pull_request: { protectedPaths: ['prompts/**', '!prompts/free/**'] } } }
    expect(refusal(pull({}, 'prompts/a.md'), policy)).toMatch(/is protected/)
    expect(refusal(pull({}, 'prompts/free/a.md'), policy)).toBeNull()
    expect(refusal(pull({}, '.github/workflows/ci.yml'), policy)).toMatch(/is protected/)
  })

  test.each(['src/a.ts', 'README.md', '.gitignore', 'docs/github/x.md', 'renovate/index.ts', 'husky/a.ts'])(
    '%s is not',
    (path) => expect(refusal(pull({}, path), { repositories })).toBeNull(),
  )
})

test.each([
  '',
  '/etc/passwd',
  '../x',
  'a/../b',
  'a//b',
  'a/',
  './a',
  '.git/config',
  'a/.GIT/hooks/x',
  'a\\b',
  'a\u0000b',
  'git~1/x',
  'GIT~2',
  '.g\u200cit/config',
  'a/.git\ufeff/config',
  '.git::$INDEX_ALLOCATION/config',
  '.git . ./config',
  'a/.\u200d./b',
  '\ud800',
  'x'.repeat(1025),
])('%j is no path inside the repository', (path) => {
  expect(refusal(pull({}, path), { repositories })).toMatch(/not a path inside/)
})

test.each([
  ['acme/*', 'github:acme/shop', true],
  ['github:acme/*', 'acme/shop', true],
  ['acme/*', 'Acme/Shop', true],
  ['acme/*', 'other/shop', false],
  ['acme/*', 'gitlab:acme/shop', false],
  ['gitlab:acme/**', 'gitlab:acme/tools/shop', true],
  ['gitlab:acme/**', 'acme/shop', false],
  ['**', 'gitlab:acme/tools/shop', true],
])('the repositories %j: whether %s is allowed is %s', (glob, name, allowed) => {
  expect(refusal({ ...comment, repository: name }, { repositories: [glob] }) === null).toBe(allowed)
})

test('a repository is excluded by a glob that begins with !, with or without its forge', () => {
  for (const excluded of ['!acme/secret', '!github:acme/secret']) {
    const policy: Policy = { repositories: ['acme/*', excluded] }
    expect(refusal(comment, policy)).toBeNull()
    expect(refusal({ ...comment, repository: 'acme/secret' }, policy)).toBe(
      `The repository acme/secret is not one that the rule may write to (only acme/*, ${excluded}); its \`repositories\` can name it.`,
    )
  }
})

describe('a job whose event is of a repository', () => {
  const id = '0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10'

  test.each([
    { series: 'deploy:p:bot:production' },
    { key: `deployment=deploy_${id}` },
    { branch: `agenta/deploy-bot-${id}` },
  ])('does not speak for a deployment: %j', (more) => {
    const [name] = Object.values(more)
    const why = `${name} is of a deployment, and only the job of a deployment may write for it; use another name.`
    expect(refusal(pull(more), { repositories, isOfForge: true })).toBe(why)
    expect(refusal(pull(more), { repositories })).toBeNull()
  })

  test('has series of its own', () => {
    expect(refusal(pull({ series: 'format' }), { repositories, isOfForge: true })).toBeNull()
  })
})

test('where no repository is known, none is written to', () => {
  expect(refusal(comment, { repositories: [] })).toMatch(/not one that the rule may write to \(none is\)/)
})

test('of each kind a job may have so many', () => {
  const check = (count: number, outputs?: OutputLimits) => () =>
    requireAllowed(
      Array.from({ length: count }, () => comment),
      { repositories, ...(outputs && { outputs }) },
    )
  expect(check(10)).not.toThrow()
  expect(check(11)).toThrow(
    "Refused by policy: outputs.10 (comment): A job may have 10 outputs of this kind; the rule's outputs.comment.max can allow more.",
  )
  expect(check(2, { comment: { max: 1 } })).toThrow('outputs.1 (comment): A job may have 1 output of this kind')
  expect(check(30, { comment: { max: 30 } })).not.toThrow()
  expect(() => requireAllowed([pull(), comment, pull()], { repositories })).toThrow('outputs.2 (pull_request)')
})

test('the first output that is refused is named', () => {
  const elsewhere = { ...comment, repository: 'acme/secret' }
  expect(() => requireAllowed([comment, elsewhere], { repositories })).toThrow(
    'outputs.1 (comment): The repository acme/secret',
  )
})

test('branch names that git refuses are refused', () => {
  const accepted = (branch: string) => {
    try {
      execFileSync('git', ['check-ref-format', `refs/heads/${branch}`], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }
  const letters = ['a', '.', '/', '..', '@{', '@', '.lock', ' ', '~', '^', ':', '?', '*', '[', '\\', '-', '\u007f', 'é']
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 6 }), (parts) => {
      const branch = `agenta/${parts.join('')}`
      expect(refusal(pull({ branch }), { repositories }) === null).toBe(accepted(branch))
    }),
  )
})

test('a key stands for one place alone: outputs for other branches and pull requests count each', () => {
  const again = [
    [pull(), pull({ branch: 'agenta/y' })],
    [commit('agenta/x'), commit('agenta/y')],
    [review, { ...review, pullRequest: 2 }],
  ] as const
  const policy: Policy = { repositories, outputs: { pull_request: {}, commit: {}, review: {} } }
  for (const [earlier, output] of again) {
    expect(() => requireAllowed([output], policy, [earlier])).toThrow('A job may have 1 output of this kind')
    expect(() => requireAllowed([earlier], policy, [earlier])).not.toThrow()
  }
})

// Repositories that try to run something, or to lead out of their folder, when a program looks at
// them.
import { execa } from 'execa'
import type { Attack, Stage } from './attack.ts'

/** Pushes a tree with these entries to a branch of its own. */
async function push(
  { tools, as }: Stage,
  name: string,
  entries: readonly { path: string; mode?: string; content?: string; sha?: string }[],
) {
  const at = `/repos/${tools.fullName}/git`
  const tree = entries.map(({ path, mode = '100644', content, sha }) => ({
    path,
    mode,
    type: mode === '160000' ? 'commit' : 'blob',
    ...(sha ? { sha } : { content }),
  }))
  const made = (await as('insider', 'POST', `${at}/trees`, { tree })) as { sha: string }
  const parents = [await tools.head()]
  const commit = (await as('insider', 'POST', `${at}/commits`, { message: 'x', tree: made.sha, parents })) as {
    sha: string
  }
  await as('insider', 'POST', `${at}/refs`, { ref: `refs/heads/evil/${name}`, sha: commit.sha })
}

const AUTHOR = { GIT_AUTHOR_NAME: 'm', GIT_AUTHOR_EMAIL: 'm@x', GIT_COMMITTER_NAME: 'm', GIT_COMMITTER_EMAIL: 'm@x' }

/** What a checkout is. */
export const repositories: Attack[] = [
  {
    tried: 'symlinks to the secrets of the service',
    stopped: './env is a file: ../../../.env',
    at: 'log',
    attempt: (stage) =>
      push(stage, 'links', [
        { path: 'env', mode: '120000', content: '../../../.env' },
        { path: 'passwd', mode: '120000', content: '/etc/passwd' },
      ]),
  },
  {
    tried: 'Git hooks, and settings that name them',
    stopped: 'hooks: /dev/null; remotes: 0',
    at: 'log',
    attempt: (stage) =>
      push(stage, 'hooks', [
        { path: 'hooks/post-checkout', mode: '100755', content: '#!/bin/sh\necho BROKEN\n' },
        { path: '.githooks/post-checkout', mode: '100755', content: '#!/bin/sh\necho BROKEN\n' },
        { path: '.gitconfig', content: '[core]\n hooksPath = .githooks\n' },
      ]),
  },
  {
    tried: 'attributes that ask for a filter and other line ends',
    stopped: './a.txt is a file: one $Id$',
    at: 'log',
    attempt: (stage) =>
      push(stage, 'filters', [
        { path: '.gitattributes', content: '* filter=evil ident text eol=crlf working-tree-encoding=UTF-16LE\n' },
        { path: 'a.txt', content: 'one $Id$' },
      ]),
  },
  {
    tried: "a submodule of the service's own files",
    stopped: './sub is a folder of 0',
    at: 'log',
    attempt: (stage) =>
      push(stage, 'submodules', [
        {
          path: '.gitmodules',
          content: `[submodule "sub"]\n path = sub\n url = file://${stage.folder}\n update = !touch mark\n`,
        },
        { path: 'sub', mode: '160000', sha: 'b'.repeat(40) },
      ]),
  },
  {
    tried: 'a pointer of Git LFS to an address inside the network',
    stopped: './a.bin is a file: version https://git-lfs.github.com/spec/v1',
    at: 'log',
    attempt: (stage) =>
      push(stage, 'lfs', [
        { path: '.gitattributes', content: '*.bin filter=lfs diff=lfs merge=lfs -text\n' },
        { path: '.lfsconfig', content: '[lfs]\n url = http://169.254.169.254/\n' },
        {
          path: 'a.bin',
          content: `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12\n`,
        },
      ]),
  },
  {
    tried: 'a branch with the name of an option',
    stopped: './README.md is a file: # tools',
    at: 'log',
    attempt: async ({ tools }) => {
      await tools.commit({
        message: 'x',
        files: { a: 'x' },
        branch: 'evil/--upload-pack=mark',
        author: 'insider',
      })
    },
  },
  {
    tried: 'a file in the folder of Git itself',
    stopped: 'acme/tools: git ',
    at: 'job',
    async attempt({ github, tools, newest, deliver }) {
      const git = async (args: string[], input: string | Buffer) =>
        (await execa('git', ['--git-dir', tools.dir, ...args], { input, env: AUTHOR })).stdout
      const blob = await git(['hash-object', '-w', '--stdin'], '[core]\n fsmonitor = touch mark\n')
      const tree = async (mode: string, name: string, id: string) => {
        const entry = Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])
        return git(['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], entry)
      }
      const sha = await git(
        ['commit-tree', '-m', 'x', await tree('40000', '.git', await tree('100644', 'config', blob))],
        '',
      )
      await git(['update-ref', 'refs/heads/evil/config', sha], '')
      await tools.commit({ message: 'x', files: { a: 'y' }, branch: 'plain', author: 'insider' })
      await github.settled()
      const payload = newest('push')
      const at = { ref: 'refs/heads/evil/config', after: sha, head_commit: null, commits: [] }
      return deliver('push', {
        ...payload,
        ...at,
        repository: { ...(payload.repository as object), full_name: 'acme/tools' },
      })
    },
  },
]

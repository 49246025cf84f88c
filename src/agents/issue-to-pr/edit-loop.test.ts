// A scripted model works on a real checkout, with programs that are isolated.
import { readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { BudgetUsed, GiveUp } from '../../lib/error.ts'
import { editLoop } from './edit-loop.ts'
import { calls, Killed, openStage, SHOP } from './fixtures/stage.ts'
import type { AllowedCommand } from './tools/tool.ts'

// Each program takes a moment to start.
const TASK = 'Make sum add.'
const FIXED = SHOP['src/sum.mjs'].replace('a - b', 'a + b')
const FIX = { path: 'src/sum.mjs', replacements: [{ old: 'a - b', new: 'a + b' }] }

/** A model that looks, tests, mends, tests and finishes. */
const WORK = [
  calls(['list', { deep: true }], ['read', { path: 'src/sum.mjs' }]),
  calls(['run', { command: 'test', arguments: ['test/sum.test.mjs'] }]),
  calls(['patch', FIX], ['write', { path: 'docs/sum.md', content: 'It adds.\n' }]),
  calls(['delete', { path: 'docs/sum.md' }], ['run', { command: 'test', arguments: ['test/sum.test.mjs'] }]),
  calls(['finish', { outcome: 'done', summary: 'It adds now.' }]),
]

describe('a model that mends a bug', () => {
  test('reads, tests, changes, tests again and finishes', async () => {
    const { server, attempt, log } = await openStage()
    server.answers(...WORK)
    const result = await editLoop({ ...(await attempt()), system: 'Be careful.', task: TASK })
    expect(log).toContain('turn 2: run test test/sum.test.mjs: failed')
    expect(result).toMatchObject({
      outcome: 'done',
      summary: 'It adds now.',
      changes: [{ path: 'src/sum.mjs', content: FIXED }],
      leftOut: [],
      transcript: [
        { tool: 'list', target: '.', outcome: 'ok' },
        { tool: 'read', target: 'src/sum.mjs:1', outcome: 'ok' },
        { tool: 'run', target: 'test test/sum.test.mjs', outcome: 'failed' },
        { tool: 'patch', target: 'src/sum.mjs', outcome: 'ok' },
        { tool: 'write', target: 'docs/sum.md', outcome: 'ok' },
        { tool: 'delete', target: 'docs/sum.md', outcome: 'ok' },
        { tool: 'run', target: 'test test/sum.test.mjs', outcome: 'ok' },
        { tool: 'finish', target: 'done', outcome: 'ok' },
      ],
      tests: [
        { command: 'test test/sum.test.mjs', exitCode: 1, tail: expect.stringContaining('AssertionError') },
        { command: 'test test/sum.test.mjs', exitCode: 0, tail: expect.stringMatching(/pass 1/) },
      ],
    })
    const [first, second] = server.requests
    expect(first?.system).toMatch(/^Be careful\.\n(.*\n)*- test: runs .*, may be given paths$/)
    expect([first?.messages, first?.tools]).toEqual([
      [TASK],
      ['list', 'read', 'search', 'write', 'patch', 'delete', 'run', 'finish'],
    ])
    // What is in the repository was written by others.
    expect(second?.results[1]).toMatch(/^Text between <untrusted-\w+> and (.|\n)*label="found">\nexport function sum/)
  })

  test.each([1, 2, 3, 4, 5])('and is killed after turn %i comes to the same, each call made once', async (turn) => {
    const { server, attempt, stored } = await openStage()
    server.answers(...WORK)
    const killed = editLoop({ ...(await attempt({ killAfter: `turn:${turn}` })), task: TASK })
    await expect(killed).rejects.toThrow(Killed)
    expect([server.requests.length, stored.size]).toEqual([turn, turn])
    const result = await editLoop({ ...(await attempt()), task: TASK })
    expect(server.requests).toHaveLength(WORK.length)
    expect(result).toMatchObject({ outcome: 'done', changes: [{ path: 'src/sum.mjs', content: FIXED }] })
    expect(result.transcript).toHaveLength(8)
    expect(result.tests.map(({ exitCode }) => exitCode)).toEqual([1, 0])
  })
})

test('what a program changes is restored too: new, undone, deleted, binary and executable files', async () => {
  const script = `
    const fs = require('node:fs')
    const [, turn] = process.argv
    if (turn === '1') {
      fs.writeFileSync('src/sum.mjs', 'broken')
      fs.writeFileSync('logo.png', Buffer.from([0, 255]))
      fs.writeFileSync('run.sh', '#!/bin/sh', { mode: 0o755 })
      fs.rmSync('test', { recursive: true })
      fs.mkdirSync('out'); fs.writeFileSync('out/build', 'ignored')
    } else {
      fs.writeFileSync('src/sum.mjs', ${JSON.stringify(SHOP['src/sum.mjs'])})
      fs.rmSync('run.sh')
      fs.writeFileSync('test', 'a file now')
    }`
  const change = { argv: [process.execPath, '-e', script] as const, arguments: 'words' as const }
  const work = [
    calls(['run', { command: 'change', arguments: ['1'] }]),
    calls(['run', { command: 'change', arguments: ['2'] }]),
    calls(['finish', { outcome: 'done', summary: 'x' }]),
  ]
  const changes = [
    { path: 'test/sum.test.mjs', deleted: true },
    { path: 'logo.png', content: { base64: 'AP8=' } },
    { path: 'test', content: 'a file now' },
  ]
  for (const killAfter of ['none', 'turn:1', 'turn:2']) {
    const { server, attempt } = await openStage()
    server.answers(...work)
    const commands = { change }
    await editLoop({ ...(await attempt({ killAfter })), commands, task: TASK }).catch(() => {})
    const last = await attempt()
    const result = await editLoop({ ...last, commands, task: TASK })
    expect([killAfter, result.changes]).toEqual([killAfter, changes])
    expect(await readFile(join(last.checkout.folder, 'src/sum.mjs'), 'utf8')).toBe(SHOP['src/sum.mjs'])
    expect(server.requests).toHaveLength(3)
  }
})

const OUT = [
  '../x',
  '/etc/passwd',
  'src/../../x',
  '.git/hooks/pre-commit',
  '.GIT/config',
  'src/.git/config',
  'a\u0000b',
]

type Call = [name: string, args: Record<string, unknown>]

describe('a call is refused', () => {
  /** What the model is answered to the calls of one turn, and what came of them. */
  async function answersTo(given: Call[], prepare?: (folder: string) => Promise<void>) {
    const { server, attempt } = await openStage()
    server.answers(calls(...given), calls(['finish', { outcome: 'no_change', summary: 'x' }]))
    const options = await attempt()
    await prepare?.(options.checkout.folder)
    const { transcript, ...result } = await editLoop({ ...options, task: TASK })
    const outcomes = transcript.slice(0, given.length).map(({ outcome }) => outcome)
    return { said: server.requests[1]?.results ?? [], outcomes: new Set(outcomes), result }
  }

  test.each(OUT)('of a path that leads out: %j', async (path) => {
    const { outcomes, said, result } = await answersTo([
      ['read', { path }],
      ['list', { path }],
      ['search', { path, query: 'x' }],
      ['write', { path, content: 'x' }],
      ['delete', { path }],
      ['patch', { path, replacements: [{ old: 'a', new: 'b' }] }],
    ])
    expect(outcomes).toEqual(new Set(['refused']))
    for (const each of said) {
      expect(each).toMatch(/is absolute: name a path|is refused: name a path inside the repository/)
    }
    expect([said.length, result]).toEqual([6, { ...result, outcome: 'no_change', changes: [] }])
  })

  test.each(['link', 'folder/secret'])('that goes through a symlink: %s', async (path) => {
    const outside = await openTestFolder()
    await writeFile(join(outside, 'secret'), 'SECRET')
    const prepare = async (folder: string) => {
      await symlink(join(outside, 'secret'), join(folder, 'link'))
      await symlink(outside, join(folder, 'folder'))
    }
    const looks: Call[] = [
      ['read', { path }],
      ['write', { path, content: 'x' }],
      ['delete', { path }],
    ]
    const { outcomes, said } = await answersTo(looks, prepare)
    expect(outcomes).toEqual(new Set(['refused']))
    expect(new Set(said)).toEqual(new Set([`${path} is, or leads through, a symlink.`]))
    expect((await answersTo([['search', { query: 'SECRET' }]], prepare)).said[0]).toMatch(/^Nothing found\./)
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('SECRET')
  })

  test('of a protected path', async () => {
    const paths = ['.github/workflows/ci.yml', '.husky/pre-push', 'lib/.gitattributes']
    const { outcomes, said } = await answersTo(paths.map((path) => ['write', { path, content: 'x' }]))
    expect(outcomes).toEqual(new Set(['refused']))
    expect(said).toEqual(
      paths.map((path) => `${path} is protected: no agent may change it. Solve the task without changing it.`),
    )
  })

  test('a program sees no file of the machine because a model names it', async () => {
    const outside = await openTestFolder()
    const secret = join(outside, 'id_rsa')
    await writeFile(secret, 'SECRET')
    const { server, attempt } = await openStage()
    const named: Call[] = [secret, `-f=${secret}`].map((word) => ['run', { command: 'show', arguments: [word] }])
    server.answers(calls(...named), calls(['finish', { outcome: 'no_change', summary: 'x' }]))
    const options = await attempt()
    const show: AllowedCommand = { argv: ['/bin/cat'], arguments: 'words' }
    await editLoop({ ...options, commands: { show }, task: TASK })
    expect(String(server.requests[1]?.results)).not.toContain('SECRET')
  })

  test('of a command that is not allowed, or with arguments that are not', async () => {
    const commands: [Record<string, unknown>, RegExp][] = [
      [{ command: 'rm' }, /^There is no command "rm"\. Commands that are allowed:\n- test: /],
      [{ command: 'test; rm -rf /' }, /^There is no command/],
      [{ command: 'constructor' }, /^There is no command/],
      [{ command: 'test', arguments: ['$(id)'] }, /^The argument "\$\(id\)" is refused: use letters, digits/],
      [{ command: 'test', arguments: ['a;b'] }, /^The argument "a;b" is refused/],
      [{ command: 'test', arguments: ['a b'] }, /^The argument "a b" is refused/],
      [{ command: 'test', arguments: ['`id`'] }, /^The argument "`id`" is refused/],
      [{ command: 'test', arguments: ['--eval=1'] }, /^The argument --eval=1 is refused: "test" takes paths only\./],
      [
        { command: 'test', arguments: ['./--eval=1'] },
        /^The argument \.\/--eval=1 is refused: "test" takes paths only/,
      ],
      [{ command: 'test', arguments: ['../../x'] }, /^\.\.\/\.\.\/x is refused: name a path inside/],
      [{ command: 'test', argv: ['x'] }, /^The arguments are not valid: the arguments: unknown field "argv"/],
    ]
    const { outcomes, said, result } = await answersTo(commands.map(([args]) => ['run', args]))
    expect(outcomes).toEqual(new Set(['refused']))
    expect(result.tests).toEqual([])
    for (const [at, [, sentence]] of commands.entries()) expect(said[at]).toMatch(sentence)
  })

  test('of a tool that there is not, or with arguments that it does not take', async () => {
    const { said } = await answersTo([
      ['exec', { code: 'x' }],
      ['read', { path: 7 }],
    ])
    expect(said[0]).toMatch(/^There is no tool of this name: there are list, read/)
    expect(said[1]).toBe('The arguments are not valid: path: must be a string, not a number')
  })
})

describe('the work stops', () => {
  test('when the budget is used, with what was done until then', async () => {
    const { server, attempt } = await openStage()
    server.answers(calls(['patch', FIX]))
    let asked = 0
    const inner = await attempt()
    const answer: typeof inner.ctx.model.answer = async (request) => {
      asked += 1
      if (asked > 1) throw new BudgetUsed('The job has exceeded its budget: 9 of 8 tokens are used.')
      return inner.ctx.model.answer(request)
    }
    const result = await editLoop({ ...(await attempt({ answer })), task: TASK })
    expect(result).toMatchObject({
      outcome: 'stopped',
      stoppedBy: { limit: 'budget', reason: 'The job has exceeded its budget: 9 of 8 tokens are used.' },
      changes: [{ path: 'src/sum.mjs', content: FIXED }],
    })
    // Remembered: a later attempt does not ask again.
    expect(await editLoop({ ...(await attempt({ answer })), task: TASK })).toEqual(result)
    expect(asked).toBe(2)
  })

  test('by no other error of the model', async () => {
    const { attempt } = await openStage()
    const answer = () => Promise.reject(new GiveUp('no key'))
    await expect(editLoop({ ...(await attempt({ answer })), task: TASK })).rejects.toThrow('no key')
  })

  test('after its turns, and after its minutes', async () => {
    const { server, attempt, advance } = await openStage()
    let turn = 0
    server.answers(() => {
      advance(40_000)
      turn += 1
      return { toolCalls: [{ name: 'write', arguments: { path: 'a', content: String(turn) } }] }
    })
    const turns = await editLoop({ ...(await attempt()), task: TASK, name: 'a', limits: { maxTurns: 3 } })
    expect(turns).toMatchObject({ outcome: 'stopped', stoppedBy: { limit: 'turns' }, changes: [{ content: '3' }] })
    const minutes = await editLoop({ ...(await attempt()), task: TASK, name: 'b', limits: { minutes: 1 } })
    expect(minutes).toMatchObject({ stoppedBy: { limit: 'minutes', reason: 'The 1 minutes of the work are over.' } })
    expect(turn).toBe(5)
  })

  test('at the third same call that changes nothing, and not at one after a change', async () => {
    const { server, attempt } = await openStage()
    const read = calls(['read', { path: 'src/sum.mjs' }])
    server.answers(read, read, calls(['patch', FIX]), read, read, read)
    const result = await editLoop({ ...(await attempt()), task: TASK })
    expect(result.stoppedBy).toEqual({
      limit: 'repetition',
      reason: 'The model made the same call of read 3 times without changing anything.',
    })
    expect(server.requests).toHaveLength(6)
  })

  test('after three turns of refused calls, or without any call', async () => {
    const { server, attempt } = await openStage()
    server.answers('Hello.', calls(['read', { path: '../1' }], ['run', { command: 'x' }]), calls(['nothing', {}]))
    const result = await editLoop({ ...(await attempt()), task: TASK })
    expect(result).toMatchObject({ stoppedBy: { limit: 'refusals' }, summary: 'Hello.', changes: [] })
    expect(server.requests[1]?.messages.at(-1)).toMatch(/^You called no tool/)
  })
})

test('finish must agree with the files', async () => {
  const { server, attempt } = await openStage()
  server.answers(
    calls(['finish', { outcome: 'done', summary: 'x' }]),
    calls(['patch', FIX], ['finish', { outcome: 'no_change', summary: 'x' }]),
    calls(['finish', { outcome: 'done', summary: 'y' }], ['delete', { path: 'src/sum.mjs' }]),
  )
  const result = await editLoop({ ...(await attempt()), task: TASK })
  expect(result).toMatchObject({ outcome: 'done', summary: 'y', changes: [{ path: 'src/sum.mjs', content: FIXED }] })
  expect(server.requests[1]?.results[0]).toBe('No file is changed: make the change, or finish with no_change.')
  expect(server.requests[2]?.results.at(-1)).toMatch(/These files are changed: (.|\n)*src\/sum\.mjs/)
  expect(result.transcript.at(-1)).toMatchObject({ tool: 'delete', outcome: 'refused' })
})

test('an answer that was cut off is not acted on', async () => {
  const { attempt } = await openStage()
  const { ctx, ...rest } = await attempt()
  const plain = { model: 'm', inputTokens: 1, outputTokens: 1, usd: null, tookMs: 1 }
  const finish = { id: '2', name: 'finish', arguments: { outcome: 'no_change', summary: 'x' } }
  const script = [
    {
      ...plain,
      text: '',
      finish: 'length' as const,
      toolCalls: [{ id: '1', name: 'write', arguments: { path: 'a', content: 'half' } }],
    },
    { ...plain, text: '', finish: 'tool-calls' as const, toolCalls: [finish] },
  ]
  const model = { ...ctx.model, answer: async () => script.shift() ?? expect.fail('asked too often') }
  const result = await editLoop({ ...rest, ctx: { ...ctx, model }, task: TASK })
  expect([result.outcome, result.transcript[0]]).toEqual([
    'no_change',
    { tool: 'write', target: '', outcome: 'refused' },
  ])
})

test('a program that prints without end, or never ends, is ended', async () => {
  const { server, attempt } = await openStage()
  const argv = (source: string) => [process.execPath, '-e', source] as const
  const commands = {
    floods: { argv: argv("for (;;) require('node:fs').writeSync(1, 'x'.repeat(65536))") },
    hangs: { argv: argv("console.log('begun'); setInterval(() => {}, 1000)"), timeoutMs: 6000 },
    gone: { argv: ['no-such-program'] as const },
  }
  const run = (command: string): Call => ['run', { command }]
  server.answers(
    calls(run('floods'), run('hangs'), run('gone')),
    calls(['finish', { outcome: 'no_change', summary: 'x' }]),
  )
  const limits = { programs: { outputMb: 1 } }
  const { tests } = await editLoop({ ...(await attempt()), commands, limits, task: TASK })
  expect(tests.map(({ exitCode }) => exitCode)).toEqual([null, null, null])
  const [floods, hangs, gone] = server.requests[1]?.results ?? []
  expect(floods).toContain('floods was ended, because it printed more than 1 MB.')
  expect(floods?.length).toBeLessThan(22_000)
  expect(hangs).toContain('hangs was ended after 6 s, the time it may take.')
  expect(hangs).toContain('begun')
  expect(gone).toContain('gone could not be started')
})

test('secrets in what a program prints are seen by nobody', async () => {
  const { server, attempt } = await openStage()
  vi.stubEnv('DEPLOY_KEY', 'not-in-any-form')
  onTestFinished(() => void vi.unstubAllEnvs())
  const source = `console.log(process.env.DEPLOY_KEY, 'ghp_' + 'a1B2'.repeat(9))`
  const commands = { env: { argv: [process.execPath, '-e', source] as const, env: ['DEPLOY_KEY'] } }
  server.answers(calls(['run', { command: 'env' }]), calls(['finish', { outcome: 'no_change', summary: 'x' }]))
  const { tests } = await editLoop({ ...(await attempt()), commands, task: TASK })
  expect(tests[0]?.tail).toBe('[redacted] [redacted]\n')
  expect(server.requests[1]?.results[0]).toContain('[redacted] [redacted]')
})

test('a file keeps its CRLF, and a replacement must be exact', async () => {
  const { server, attempt } = await openStage({ 'a.txt': 'one\r\ntwo\r\ntwo\r\n' })
  const patch = (old: string) =>
    ['patch', { path: 'a.txt', replacements: [{ old, new: 'x\ny' }] }] as [string, Record<string, unknown>]
  server.answers(
    calls(['read', { path: 'a.txt' }], patch('three'), patch('two'), patch('one\ntwo')),
    calls(['finish', { outcome: 'done', summary: 'x' }]),
  )
  const result = await editLoop({ ...(await attempt()), task: TASK })
  expect(result.changes).toEqual([{ path: 'a.txt', content: 'x\r\ny\r\ntwo\r\n' }])
  const [read, absent, twice] = server.requests[1]?.results ?? []
  expect(read).toContain('Its lines end with CRLF')
  expect([absent, twice]).toEqual([
    'replacements[0].old is not in a.txt: read it again. Nothing was changed.',
    'replacements[0].old is in a.txt more than once: add the lines around it. Nothing was changed.',
  ])
})

test('search finds words and regular expressions, and is ended when it takes too long', async () => {
  const { server, attempt } = await openStage({
    ...SHOP,
    'bad.txt': `${'a'.repeat(60)}!`,
    'logo.bin': Buffer.from([0]),
  })
  server.answers(
    calls(
      ['search', { query: 'a - b' }],
      ['search', { query: 'SUM\\(', regex: true, ignoreCase: true, files: '**/*.mjs', path: 'test' }],
      ['search', { query: '(', regex: true }],
      ['search', { query: '^(a+)+$', regex: true, path: 'bad.txt' }],
    ),
    calls(['finish', { outcome: 'no_change', summary: 'x' }]),
  )
  const { transcript } = await editLoop({ ...(await attempt()), task: TASK })
  expect(transcript.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'refused', 'refused', 'ok'])
  const [words, pattern, wrong, slow] = server.requests[1]?.results ?? []
  expect(words).toContain('1 found. 1 files were not searched')
  expect(words).toContain('src/sum.mjs:2: return prices.reduce')
  expect(pattern).toContain('test/sum.test.mjs:4: ')
  expect(wrong).toMatch(/^The regular expression is not valid/)
  expect(slow).toMatch(/^The search took longer than 5 s/)
})

test('a long history is shortened, and what is sent stays bounded', async () => {
  const big = `${'line of text\n'.repeat(300)}`
  const { server, attempt } = await openStage({ ...Object.fromEntries([...'abcdefgh'].map((name) => [name, big])) })
  server.answers(
    ...[...'abcdefgh'].map((path) => calls(['read', { path }])),
    calls(['finish', { outcome: 'no_change', summary: 'x' }]),
  )
  await editLoop({ ...(await attempt()), task: TASK, limits: { historyChars: 15_000 } })
  const sizes = server.requests.map(({ results }) => results.join('').length)
  expect(Math.max(...sizes)).toBeLessThan(16_000)
  const last = server.requests.at(-1)?.results ?? []
  expect(last).toHaveLength(8)
  expect(last[0]).toMatch(/^\(\d+ characters were left out here: call it again to see it\)$/)
  expect(last[7]).toContain('line of text')
})

test('a checkout whose repository a program has changed runs nothing here', async () => {
  const { server, attempt } = await openStage()
  const marker = join(await openTestFolder(), 'ran')
  const evil = `#!/bin/sh\ntouch ${marker}\n`
  const argv = [
    process.execPath,
    '-e',
    `const fs = require('node:fs'); fs.mkdirSync('.git/hooks', { recursive: true }); fs.writeFileSync('.git/hooks/post-index-change', ${JSON.stringify(evil)}, { mode: 0o755 }); fs.writeFileSync('.git/config', '[core]\\nfsmonitor = touch ${marker}\\n'); fs.writeFileSync('new', '1')`,
  ] as const
  server.answers(calls(['run', { command: 'evil' }]), calls(['finish', { outcome: 'done', summary: 'x' }]))
  const { changes } = await editLoop({ ...(await attempt()), commands: { evil: { argv } }, task: TASK })
  expect(changes).toEqual([{ path: 'new', content: '1' }])
  await expect(rm(marker)).rejects.toThrow('ENOENT')
})

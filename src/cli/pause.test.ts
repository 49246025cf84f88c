// The commands of control at a terminal, against a service that works on nothing.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  cli = cliOf(signalbox)
})
afterAll(() => signalbox?.close())

async function trigger(): Promise<string> {
  return (await cli.json<{ jobs: [string] }>(['trigger', 'ping'])).jobs[0]
}

test('what is paused is listed, says what that means, and is resumed by the same words', async () => {
  expect((await cli.ask(['pause', 'ls'])).out).toBe('Nothing is paused.\n')
  const { out } = await cli.ask(['pause', 'everything', '--reason', 'a flood', '--by', 'ada'])
  expect(out).toBe(
    'Everything is paused (a flood): its work is held until it is resumed.\nTo let it go on: signalbox resume everything\n',
  )
  await cli.ask(['pause', 'source', 'github'])
  expect((await cli.ask(['pause', 'ls'])).out).toMatch(
    /^PAUSED +NAME +ID +FOR +BY +ITS WORK IS +REASON\neverything .* ada +held +a flood\nsource +github .* held +By hand\.\n$/,
  )
  expect((await cli.ask(['sources'])).out).toMatch(/github .*held since \S+: By hand\./)
  const id = await trigger()
  expect((await cli.ask(['jobs', 'show', id])).out).toMatch(/^waits for +Everything is paused: a flood$/m)
  expect((await cli.ask(['resume', 'source', 'github'])).out).toBe(
    'The pause of source github is over.\nNothing begins yet: everything is paused. To let it go on: signalbox resume everything\n',
  )
  expect((await cli.ask(['resume', 'everything'])).out).toBe('The pause of everything is over.\n')
  expect((await cli.ask(['resume', 'everything'])).out).toBe('It was not paused: everything.\n')
  const { out: past } = await cli.ask(['pause', 'ls', '--since', '1h'])
  expect(past).toMatch(/^PAUSED +NAME +ID +FROM +TO +BY .*\neverything .*Z +\S+Z +ada +held +a flood\nsource +github /)
})

test('a source that is not there is refused with the nearest one', async () => {
  const { code, err } = await cli.ask(['pause', 'source', 'githab'])
  expect([code, err]).toEqual([1, expect.stringContaining('did you mean "github"?')])
})

describe('jobs', () => {
  test('are cancelled, begun again and given a priority, one or many, counted first', async () => {
    const [first, second] = [await trigger(), await trigger()]
    expect((await cli.ask(['jobs', 'priority', first, '9'])).out).toBe('The job has priority 9.\n')
    const many = ['--type', 'ping', '--status', 'pending']
    expect((await cli.ask(['jobs', 'cancel', ...many, '--dry-run'])).out).toMatch(
      /^\d+ jobs would be cancelled:\n {2}manual: \d+\n$/,
    )
    expect((await cli.ask(['jobs', 'priority', '2', ...many])).out).toMatch(/^\d+ jobs are of priority 2:\n/)
    expect((await cli.ask(['jobs', 'cancel', first])).out).toBe('The job is cancelled.\n')
    await cli.ask(['jobs', 'cancel', ...many])
    const again = ['jobs', 'retry', '--status', 'cancelled', '--since', '1h']
    expect((await cli.ask(again)).out).toMatch(/^\d+ jobs are pending again:\n/)
    expect((await cli.ask(again)).out).toBe('0 jobs: none is chosen by that.\n')
    expect(await cli.json(['jobs', 'show', second])).toMatchObject({ status: 'pending', priority: 2 })
  })

  test.each([
    [['jobs', 'retry'], 'Give the id of a job'],
    [['jobs', 'cancel'], 'Give the id of a job'],
    [['jobs', 'retry', '--status', 'failed', '--dry-run'], 'choose many by --rule, --type'],
    [['jobs', 'cancel', 'abcdef', '--dry-run'], 'Give either the id of one job'],
    [['jobs', 'cancel', 'abcdef', '--rule', 'x'], 'Give either the id of one job'],
    [['jobs', 'priority', 'abcdef', '11'], 'The priority must be a number from 1 to 10'],
    [['jobs', 'priority', '9'], 'Give the id of a job'],
    [['jobs', 'retry', '--rule', 'x', '--from-step', 'a'], '--from-step is for one job'],
    [['jobs', 'retry', 'abcdef', '--from-step', 'a', '--from-start'], 'cannot be used with'],
    [['pause', 'source', 'github', '--stop-running', '--cancel-running'], 'cannot be used with'],
  ])('%j is wrong usage', async (args, says) => {
    const { code, err } = await cli.ask(args)
    expect([code, err]).toEqual([2, expect.stringContaining(says)])
  })
})

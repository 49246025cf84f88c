import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/refusal.ts'
import { forgesFrom } from '../../forges/forges.ts'
import { openDispatcher } from '../dispatcher.ts'
import { BOT_TOKEN, openFakeTelegram, refusal } from '../fixtures/fake-telegram.ts'
import { endpoint, event, guard, mustPrepare, ownEvent, readTarget } from '../fixtures/to-prepare.ts'
import { sendPrepared } from '../send-prepared.ts'

const telegram = await openFakeTelegram()
const dispatcher = openDispatcher({ guard })
const to = endpoint('telegram', { url: telegram.url, settings: { chat_id: 12345 }, credential: BOT_TOKEN })
beforeEach(() => void telegram.messages.splice(0))
afterAll(async () => {
  await dispatcher.destroy()
  await telegram.close()
})

function send(...args: Parameters<typeof mustPrepare>) {
  return sendPrepared('telegram', mustPrepare(...args), { dispatcher, mailer: null, forges: forgesFrom({}) })
}

describe('a chat of Telegram', () => {
  it('is shown by its number, and the token is kept apart', () => {
    const given = { settings: { chat_id: '@acme_deploys', message_thread_id: 7 }, credential: BOT_TOKEN }
    expect(readTarget('telegram', given)).toEqual({
      url: 'telegram:@acme_deploys',
      settings: { chat_id: '@acme_deploys', message_thread_id: 7 },
      credential: BOT_TOKEN,
    })
    expect(to).toMatchObject({ url: 'telegram:12345', settings: { api_url: telegram.url } })
  })

  it.each([
    [{ credential: BOT_TOKEN }, 'settings.chat_id: must be the number of a chat, or the @name of a channel'],
    [
      { settings: { chat_id: 'acme' }, credential: BOT_TOKEN },
      'settings.chat_id: must be the number of a chat, or the @name of a channel',
    ],
    [{ settings: { chat_id: 1 } }, 'credential: is required; it is the bot’s token'],
    [
      { settings: { chat_id: 1 }, credential: '1:../x' },
      'credential: must be the token of a bot, as @BotFather shows it',
    ],
    [{ settings: { chat_id: 1 }, credential: BOT_TOKEN, url: 'x' }, 'url: is not a URL'],
  ])('%j is refused', (given, detail) => {
    expect(refusalOf(() => readTarget('telegram', given, () => 'is not a URL'))).toMatchObject({ detail })
  })

  it('is on Telegram’s own servers unless it is said otherwise', () => {
    const own = endpoint('telegram', { settings: { chat_id: 12345 }, credential: BOT_TOKEN })
    expect(mustPrepare(own, event({}))).toMatchObject({ url: `https://api.telegram.org/bot${BOT_TOKEN}/sendMessage` })
  })
})

describe('a message to Telegram', () => {
  it('says how a job ended, with a title and without a preview of links', async () => {
    const data = {
      job_id: 'j1',
      job_type: 'deploy',
      agent: 'release',
      attempt: 1,
      subject: 'acme/shop@v1.0.0',
      result: 'live',
    }
    const sent = await send(to, ownEvent('job.completed', data), { publicUrl: 'https://box.example.com' })
    expect(sent).toMatchObject({ statusCode: 200 })
    expect(telegram.messages).toEqual([
      {
        chat: 12345,
        text: '✅ deploy completed\nacme/shop@v1.0.0\nResult: live\nAgent: release, attempt 1\nhttps://box.example.com/api/jobs/j1',
        bold: ['✅ deploy completed'],
        mentions: [],
        sent: { link_preview_options: { is_disabled: true } },
      },
    ])
    await send(to, ownEvent('job.failed', { ...data, error: 'exit code 1: a < b && c > d' }))
    expect(telegram.messages[1]?.text).toContain(
      '❌ deploy failed\nacme/shop@v1.0.0\nError: exit code 1: a < b && c > d',
    )
  })

  it('is text, whatever it says', async () => {
    const message = '</b><a href="https://evil.example">x</a> &lt; "q" @everyone <b>'
    await send(to, event({ head_commit: { message } }))
    expect(telegram.messages[0]).toMatchObject({
      text: expect.stringContaining('</b><a href="https://evil'),
      mentions: [],
    })
    await send(
      { ...to, templates: { push: '<b>{{data.actor}}</b> {{data.payload.head_commit.message}}' } },
      event({ head_commit: { message } }),
    )
    expect(telegram.messages[1]).toMatchObject({ bold: ['octocat'], mentions: [] })
  })

  it('fits into 4,096 characters', async () => {
    await send({ ...to, templates: { '*': '{{data.payload.a}}'.repeat(40) } }, event({ a: '&"<>'.repeat(9000) }))
    expect(telegram.messages).toHaveLength(1)
  })
})

describe('an answer of Telegram', () => {
  it.each([
    [
      refusal(429, 'Too Many Requests: retry after 5', { retry_after: 5 }),
      { statusCode: 429, error: null, retryAfter: '5' },
    ],
    [
      refusal(400, "Bad Request: can't parse entities"),
      { statusCode: 400, deliveryControl: 'abort-message', reason: "Bad Request: can't parse entities" },
    ],
    [refusal(400, 'Bad Request: chat not found'), { deliveryControl: 'disable' }],
    [refusal(403, 'Forbidden: bot was blocked by the user'), { deliveryControl: 'disable' }],
    [refusal(403, 'Forbidden: need administrator rights'), { deliveryControl: 'abort-message' }],
    [refusal(401, 'Unauthorized'), { deliveryControl: 'disable', reason: 'Unauthorized' }],
    [
      refusal(400, 'Bad Request: group chat was upgraded to a supergroup chat', { migrate_to_chat_id: -1001 }),
      { deliveryControl: 'abort-message', reason: 'the chat has another number now; set settings.chat_id to -1001' },
    ],
    [refusal(500, 'Internal Server Error'), { statusCode: 500, error: null }],
    [
      { status: 404, body: 'nginx' },
      { statusCode: 404, error: null },
    ],
    // A number that is no status of HTTP: it could not be stored.
    [
      { status: 200, body: JSON.stringify({ ok: false, error_code: 99_999_999 }) },
      { statusCode: 200, error: 'refused' },
    ],
    [
      { status: 200, body: 'nginx' },
      { statusCode: 200, error: 'refused' },
    ],
  ])('is judged: %j', async (answer, result) => {
    telegram.answers.push(answer)
    expect(await send(to, event({}))).toMatchObject(result)
  })

  it('is stored without the token, should it be repeated there', async () => {
    telegram.answers.push({ status: 502, body: `Cannot POST /bot${BOT_TOKEN}/sendMessage` })
    expect(JSON.stringify(await send(to, event({})))).not.toContain(BOT_TOKEN)
  })
})

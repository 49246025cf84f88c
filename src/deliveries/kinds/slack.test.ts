import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_DEPLOYMENT } from '../../../test/fixtures/payloads.ts'
import { refusalOf } from '../../../test/refusal.ts'
import { forgesFrom } from '../../forges/forges.ts'
import { openDispatcher } from '../dispatcher.ts'
import { actsOf, openFakeSlack, SLACK_PATH } from '../fixtures/fake-slack.ts'
import { endpoint, event, guard, mustPrepare, ownEvent, readTarget } from '../fixtures/to-prepare.ts'
import { sendPrepared } from '../send-prepared.ts'

const slack = await openFakeSlack()
const dispatcher = openDispatcher({ guard })
const to = endpoint('slack', { url: slack.webhook })
beforeEach(() => void slack.messages.splice(0))
afterAll(async () => {
  await dispatcher.destroy()
  await slack.close()
})

function send(...args: Parameters<typeof mustPrepare>) {
  return sendPrepared('slack', mustPrepare(...args), { dispatcher, mailer: null, forges: forgesFrom({}) })
}

describe('a webhook of Slack', () => {
  it('is its own secret: its address is shown without the path', () => {
    const stored = {
      url: 'https://hooks.slack.com/…',
      settings: {},
      credential: `https://hooks.slack.com${SLACK_PATH}`,
    }
    const address = `https://hooks.slack.com${SLACK_PATH}`
    expect(readTarget('slack', { url: address })).toEqual(stored)
    expect(readTarget('slack', { credential: address })).toEqual(stored)
  })

  it.each([
    [{}, 'credential: is required; it is the URL of the incoming webhook'],
    [{ url: 'nowhere' }, 'url: is not a URL'],
    [
      { url: 'https://a', credential: 'https://b' },
      'credential: is the address of the webhook, as url is; set one of them',
    ],
    [{ url: 'https://a', settings: { channel: '#x' } }, 'settings: unknown field "channel"'],
  ])('%j is refused', (given, detail) => {
    const refused = refusalOf(() => readTarget('slack', given, (url) => (url === 'nowhere' ? 'is not a URL' : null)))
    expect(refused).toMatchObject({ code: 'input_invalid', detail })
  })
})

describe('a message to Slack', () => {
  it('says what was deployed and what changed, with a title', async () => {
    const about = event(FIRST_DEPLOYMENT, { source: 'deployments', type: 'environment.deployed' })
    expect(await send(to, about, { publicUrl: 'https://box.example.com/' })).toMatchObject({
      statusCode: 200,
    })
    expect(slack.messages[0]?.text).toBe(
      [
        '*🚀 customer-support-bot is live in production*',
        'Variant: v2-optimized',
        'Revision: 15',
        'Deployed by: jane@company.com',
        'Message: Improved response quality',
        'temperature: 0.7 → 0.5',
        'system_prompt: You are a helpful assistant → You are a helpful customer support assistant. Be concise an…',
        'https://box.example.com/api/deployments/deploy_1234567890',
      ].join('\n'),
    )
    expect(slack.messages[0]?.blocks).toMatchObject([{ type: 'section', text: { type: 'mrkdwn' } }])
  })

  it('does nothing that a text from outside asks for', async () => {
    const message = '<!channel> <@U1> <https://evil.example|bank> @everyone [a](https://evil.example) & <b>'
    await send(to, event({ head_commit: { message } }))
    expect(actsOf(slack.messages[0]?.text ?? '')).toEqual([])
    expect(slack.messages[0]?.text).toContain('&lt;!channel&gt; &lt;＠U1&gt;')
    await send(
      { ...to, templates: { push: '<!here> *{{data.actor}}*: {{data.payload.head_commit.message}}' } },
      event({ head_commit: { message } }),
    )
    expect(actsOf(slack.messages[1]?.text ?? '')).toEqual(['<!here>'])
  })

  it('has no secrets in it', async () => {
    const config_diff = { added: { api_key: 'k-12345678' }, modified: {}, removed: {} }
    const data = { ...FIRST_DEPLOYMENT.data, config_diff, commit_message: 'the key is k-12345678' }
    await send(to, event({ ...FIRST_DEPLOYMENT, data }, { source: 'deployments', type: 'environment.deployed' }))
    expect(slack.messages[0]?.text).toContain('+ api_key: [redacted]')
    expect(JSON.stringify(slack.messages)).not.toContain('k-12345678')
  })

  it('fits, whatever an event says', async () => {
    const long = '<&>'.repeat(20_000)
    const templates = { '*': '{{data.payload.a}}'.repeat(40) }
    await send({ ...to, templates }, event({ a: long }))
    await send(to, ownEvent('job.failed', { job_type: long, subject: long, error: long }))
    expect(slack.messages.map(({ text }) => text.length <= 3000 && text.length > 100)).toEqual([true, true])
  })

  it('is never empty', async () => {
    await send({ ...to, templates: { '*': '{{data.nothing}}' } }, event({}))
    expect(slack.messages[0]?.text).toBe('push')
  })
})

describe('an answer of Slack', () => {
  it.each([
    [
      { status: 404, body: 'no_service' },
      { statusCode: 404, deliveryControl: 'disable', reason: 'no_service' },
    ],
    [
      { status: 410, body: 'channel_is_archived' },
      { statusCode: 410, deliveryControl: 'disable' },
    ],
    [
      { status: 400, body: 'invalid_payload' },
      { statusCode: 400, deliveryControl: 'abort-message', reason: 'invalid_payload' },
    ],
    [
      { status: 403, body: 'action_prohibited' },
      { statusCode: 403, error: null },
    ],
    [
      { status: 500, body: 'rollup_error' },
      { statusCode: 500, error: null },
    ],
    [
      { status: 429, body: 'rate_limited', headers: { 'retry-after': '30' } },
      { statusCode: 429, error: null, retryAfter: '30' },
    ],
    [
      { status: 200, body: '<html>Log in</html>' },
      { statusCode: 200, error: 'refused' },
    ],
  ])('is judged: %j', async (answer, result) => {
    slack.answers.push(answer)
    expect(await send(to, event({}))).toMatchObject(result)
  })

  it('is stored without the address, should it be repeated there', async () => {
    slack.answers.push({ status: 500, body: `Cannot POST ${SLACK_PATH} at ${slack.webhook}` })
    expect((await send(to, event({}))).response).toBe('Cannot POST [redacted] at [redacted]')
  })
})

// Slack: a message through an incoming webhook, whose address is its secret.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
import { z } from 'zod'
import { AppError } from '../../lib/error.ts'
import type { Markup } from '../messages/message.ts'
import { messageOf } from '../messages/message.ts'
import type { Kind } from './kind.ts'
import { isSuccess, jsonHeaders, parseSettings, refused, requireUrl } from './kind.ts'

const settings = z.strictObject({})
const SHOWN = '/…'

// A message may have 40,000 characters, and a block of it 3,000.
const MARKUP: Markup = {
  maxChars: 3000,
  // https://docs.slack.dev/messaging/formatting-message-text#escaping
  escape: (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  title: (line) => `*${line.replaceAll('*', '∗')}*`,
}

// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
const GONE = [
  'no_service',
  'no_service_id',
  'no_active_hooks',
  'no_team',
  'team_disabled',
  'invalid_token',
  'channel_not_found',
  'channel_is_archived',
  'user_not_found',
]
// These say what is wrong with a message, which is the same on every attempt.
const REFUSED = ['no_text', 'invalid_payload', 'invalid_blocks', 'invalid_blocks_format', 'too_many_attachments']

/** Slack, and what takes its messages: Mattermost, for one. */
export const slack: Kind = {
  readSettings(given, urlProblem) {
    // What is shown of an address says nothing of it.
    const url = given.url?.endsWith(SHOWN) ? undefined : given.url
    if (url !== undefined && given.credential !== null) {
      throw new AppError('input_invalid', 'credential: is the address of the webhook, as url is; set one of them')
    }
    if (url === undefined && given.credential === null) {
      throw new AppError('input_invalid', 'credential: is required; it is the URL of the incoming webhook')
    }
    const field = url === undefined ? 'credential' : 'url'
    const { href, origin } = requireUrl(field, given.credential ?? url, urlProblem)
    return { url: origin + SHOWN, settings: parseSettings(settings, given.settings), credential: href }
  },

  prepare(delivery) {
    const { credential } = delivery.endpoint
    if (credential === null) return { by: 'nothing', reason: 'The endpoint has no address of a webhook.' }
    const text = messageOf(delivery, MARKUP)
    const { pathname, search } = new URL(credential)
    return {
      by: 'http',
      url: credential,
      headers: jsonHeaders(delivery),
      body: Buffer.from(
        JSON.stringify({
          // Shown in notifications, where there are no blocks.
          text,
          blocks: [{ type: 'section', text: { type: 'mrkdwn', text } }],
          unfurl_links: false,
          unfurl_media: false,
        }),
      ),
      secrets: [credential, pathname + search, pathname],
    }
  },

  judgeAnswer(result) {
    const answer = result.response?.trim() ?? ''
    if (isSuccess(result)) {
      return answer === 'ok' ? result : refused(result, 'the answer is not Slack’s "ok"')
    }
    if (GONE.includes(answer)) return refused(result, answer, 'disable')
    return REFUSED.includes(answer) ? refused(result, answer, 'abort-message') : result
  },
}

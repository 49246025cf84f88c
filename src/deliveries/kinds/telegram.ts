// Telegram: a message of a bot to a chat. https://core.telegram.org/bots/api#sendmessage
import { z } from 'zod'
import { AppError } from '../../lib/error.ts'
import { isObject } from '../../lib/json.ts'
import type { Markup } from '../messages/message.ts'
import { messageOf } from '../messages/message.ts'
import type { SendResult } from '../send.ts'
import type { Kind } from './kind.ts'
import { isSuccess, jsonHeaders, parseSettings, refused, requireUrl } from './kind.ts'

const API = 'https://api.telegram.org'
const TOKEN = /^\d{1,20}:[\w-]{20,100}$/
const SHOWN = 'telegram:'
const CHANNEL = /^@[A-Za-z]\w{3,31}$/

const settings = z.strictObject({
  chat_id: z.union(
    [z.int(), z.string().regex(/^-?\d{1,20}$/), z.string().regex(CHANNEL)],
    'must be the number of a chat, or the @name of a channel',
  ),
  message_thread_id: z.int().positive().optional(),
  disable_notification: z.boolean().optional(),
  api_url: z.string().optional(),
})

const MARKUP: Markup = {
  maxChars: 4096,
  // https://core.telegram.org/bots/api#html-style
  escape: (text) =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  title: (line) => `<b>${line}</b>`,
}

// What Telegram says where there is no chat any more that this bot may write to.
const GONE = /chat not found|blocked by the user|bot was kicked|user is deactivated|not a member|chat was deleted/i

/** Telegram, through its own servers or a Bot API server of one's own. */
export const telegram: Kind = {
  readSettings(given, urlProblem) {
    const { api_url: before, ...rest } = parseSettings(settings, given.settings)
    const server = given.url?.startsWith(SHOWN) ? before : (given.url ?? before)
    const url = server === undefined ? null : requireUrl('url', server, urlProblem)
    const { credential } = given
    if (credential === null) throw new AppError('input_invalid', 'credential: is required; it is the bot’s token')
    if (!TOKEN.test(credential)) {
      throw new AppError('input_invalid', 'credential: must be the token of a bot, as @BotFather shows it')
    }
    return {
      url: `${SHOWN}${rest.chat_id}`,
      settings: { ...defined(rest), ...(url !== null && { api_url: url.href.replace(/(?<!\/)\/+$/, '') }) },
      credential,
    }
  },

  prepare(delivery) {
    const { credential, settings: stored } = delivery.endpoint
    if (credential === null) return { by: 'nothing', reason: 'The endpoint has no token of a bot.' }
    const { api_url: server = API, ...target } = parseSettings(settings, stored)
    const text = messageOf(delivery, MARKUP)
    return {
      by: 'http',
      url: `${server}/bot${credential}/sendMessage`,
      headers: jsonHeaders(delivery),
      body: Buffer.from(
        JSON.stringify({ ...target, text, parse_mode: 'HTML', link_preview_options: { is_disabled: true } }),
      ),
      secrets: [credential],
    }
  },

  judgeAnswer(result) {
    const answer = readAnswer(result)
    if (answer === null) return isSuccess(result) ? refused(result, 'the answer is not Telegram’s') : result
    return answer.ok === true ? result : judgeRefusal(result, answer)
  },
}

type Answer = Record<string, unknown>

function readAnswer({ response }: SendResult): Answer | null {
  try {
    const answer: unknown = JSON.parse(response ?? '')
    return isObject(answer) && typeof answer.ok === 'boolean' ? answer : null
  } catch {
    return null
  }
}

/** https://core.telegram.org/bots/api#making-requests and #responseparameters */
function judgeRefusal(sent: SendResult, { error_code, description, parameters }: Answer): SendResult {
  const { retry_after, migrate_to_chat_id } = isObject(parameters) ? parameters : {}
  const statusCode = isStatus(error_code) ? error_code : sent.statusCode
  const retryAfter = Number.isInteger(retry_after) ? String(retry_after) : sent.retryAfter
  const said = typeof description === 'string' ? description : null
  const result = { ...sent, statusCode, retryAfter }
  if (Number.isInteger(migrate_to_chat_id)) {
    const remedy = `the chat has another number now; set settings.chat_id to ${migrate_to_chat_id}`
    return refused(result, remedy, 'abort-message')
  }
  // 401: the token was revoked. 404: there is no such bot.
  if (statusCode === 401 || statusCode === 404 || GONE.test(said ?? '')) return refused(result, said, 'disable')
  if (statusCode === 400 || statusCode === 403) return refused(result, said, 'abort-message')
  return isSuccess(result) ? refused(result, said) : result
}

/** Whether it is a status of HTTP: whatever else a server says cannot be stored as one. */
function isStatus(code: unknown): code is number {
  return Number.isInteger(code) && Number(code) >= 100 && Number(code) <= 999
}

function defined<Value>(settings: Record<string, Value | undefined>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

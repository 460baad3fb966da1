/** The shapes of what goes in and out in several routes. */
import { z } from 'zod'
import { runningStatuses, terminalStatuses, type JsonObject } from '../../shared/schema.ts'
import { blockJson, byJson } from './block-schemas.ts'

/** Any JSON object: what is in it was parsed from JSON. */
export const jsonObject = z.record(z.string(), z.unknown()) as unknown as z.ZodType<JsonObject>

export const role = z.enum(['owner', 'editor', 'viewer'])
const epochMs = z.int().describe('epoch milliseconds')
const status = z.enum([...runningStatuses, ...terminalStatuses])

export const chatJson = z.object({
  id: z.string(),
  title: z.string(),
  createdAt: epochMs,
  system: z.string().optional(),
  pinned: z.literal(true).optional().describe('by the caller'),
})

/** One chat, with what its runs take that do not say it themselves. */
export const oneChatJson = chatJson.extend({ model: z.string().optional(), params: jsonObject.optional() })

/** A chat in the list of one of its members. */
export const listedChatJson = chatJson.extend({
  role,
  activeAt: epochMs.describe('when somebody asked in it or went on with an answer, or an answer ended'),
  readAt: epochMs.nullable().describe('up to when the caller has read it'),
  unread: z.boolean(),
  running: z.boolean().describe('an answer is queued or being written'),
  waiting: z.boolean().describe('an answer waits for a decision, or for the result of a call'),
  waitingForMe: z.boolean().describe('and the caller may give it'),
  match: z
    .object({
      messageId: z.string().nullable().describe('null: only the title has it'),
      snippet: z
        .array(z.object({ text: z.string(), match: z.boolean() }))
        .describe('plain text, never HTML; empty where it could not be had'),
    })
    .optional()
    .describe('of a search: where it was found'),
})

export const memberJson = z.object({ userId: z.string(), name: z.string(), role, joinedAt: epochMs })
export const listedMemberJson = memberJson.extend({
  inviteId: z.string().optional().describe('the invite that gave the role; for the owner'),
  alias: z.string().describe('what the documents of the chat call them'),
})

export const inviteJson = z.object({ id: z.string(), role, createdAt: epochMs, expiresAt: epochMs })
export const listedInviteJson = inviteJson.extend({
  usedBy: z
    .array(z.object({ userId: z.string(), name: z.string() }))
    .optional()
    .describe('members that it gave their role'),
})

const messageErrorJson = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  upstream: z
    .object({
      status: z.int(),
      code: z.union([z.string(), z.int()]),
      type: z.string(),
      param: z.string(),
      retryAfterMs: z.int(),
    })
    .partial()
    .optional()
    .describe('what the model provider called it'),
})

const usageJson = z.object({
  inputTokens: z.int(),
  outputTokens: z.int(),
  totalTokens: z.int(),
  reasoningTokens: z.int().optional(),
  cachedTokens: z.int().optional(),
})

/** The canonical JSON of a message. */
export const messageJson = z
  .looseObject({
    id: z.string(),
    chatId: z.string(),
    parentId: z.string().nullable(),
    role: z.enum(['user', 'assistant']),
    by: byJson.optional(),
    editedBy: byJson.optional().describe('who changed the words of a question while it waited, if somebody else'),
    stoppedBy: byJson.optional(),
    status,
    createdAt: epochMs,
    startedAt: epochMs.optional(),
    firstTokenAt: epochMs.optional(),
    endedAt: epochMs.optional(),
    model: z.string().optional(),
    taskId: z.string().optional(),
    finishReason: z.enum(['stop', 'length', 'tool_calls', 'content_filter', 'unknown']).optional(),
    note: z.string().optional().describe('what people should know of how it ended'),
    usage: usageJson.optional(),
    error: messageErrorJson.optional(),
    schema: z.int(),
    output: z.array(blockJson),
  })
  .meta({ id: 'Message' })

export const runJson = z.object({ taskId: z.string(), messageId: z.string(), chatId: z.string(), status })

export const errorJson = z.object({
  error: z.object({ code: z.string(), message: z.string(), details: z.unknown().optional() }),
})

/** A page of a list, and what else it says. */
export function pageOf(item: z.ZodType, more: z.ZodRawShape = {}): z.ZodType {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable(), ...more })
}

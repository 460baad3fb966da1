/** What may be changed of a chat, and by whom. */
import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import { cleanJson } from '../../shared/schema.ts'
import type { Identity } from '../auth/auth.ts'
import type { ChatRow } from '../store/store.ts'
import { refuseParams } from './params.ts'
import { runFields } from './run-requests.ts'
import { jsonObject } from './schemas.ts'
import type { Services } from './services.ts'

/** Of `params` as JSON. */
const maxParamsChars = 10_000
/** More would make no list shorter. */
const maxPinned = 100

export const chatTitle = z.string().trim().min(1).max(200)

/** Null takes what was said back. */
export const chatPatch = z
  .strictObject({
    title: chatTitle.optional(),
    system: z.string().max(100_000).nullable().optional().describe('goes before the one of a request'),
    model: runFields.model.unwrap().nullable().optional().describe('of requests that name none'),
    params: jsonObject
      .refine(
        (params) => JSON.stringify(params).length <= maxParamsChars,
        `must have at most ${maxParamsChars} characters`,
      )
      .nullable()
      .optional()
      .describe('under those of a request'),
    pinned: z.boolean().optional().describe('for the caller alone, whatever the role'),
  })
  .refine((patch) => Object.keys(patch).length > 0, 'must say what is to be changed')

type Change = Omit<z.output<typeof chatPatch>, 'pinned'>

/** Before anything is written: all of it is, or nothing. Throws `forbidden`, `bad_request`. */
export async function refuseChange(
  identity: Identity,
  chat: ChatRow,
  { model, params, system }: Change,
  { access, models, allowedParams }: Services,
): Promise<void> {
  await access.chat(identity, chat.id, 'editor')
  if (identity.invite && (system !== undefined || params !== undefined))
    throw new RunnelError('forbidden', 'Sign in for this: guests do not see what the model is told.')
  if (typeof model === 'string') await models.choose(model, identity.models)
  if (params) refuseParams(params, allowedParams)
}

/** Throws `forbidden`, `rate_limited`. */
export async function refusePin(
  { user, invite }: Identity,
  chat: ChatRow,
  pinned: boolean,
  { store }: Services,
): Promise<void> {
  if (invite) throw new RunnelError('forbidden', 'Sign in for this: a guest has no list of chats.')
  const others = pinned ? (await store.pinnedChats(user.id)).filter((id) => id !== chat.id) : []
  if (others.length >= maxPinned)
    throw new RunnelError(
      'rate_limited',
      `You have pinned ${maxPinned} chats, which is all that may be; unpin one first.`,
    )
}

export async function change(
  chat: ChatRow,
  { title: given, system, model, params }: Change,
  { store, chats, announcer }: Services,
): Promise<ChatRow> {
  const says = {
    ...(system !== undefined && { system: system?.toWellFormed() || null }),
    ...(model !== undefined && { model }),
    ...(params !== undefined && { params: cleanJson(params) }),
  }
  const isOther = Object.keys(says).length > 0
  if (isOther) await store.putDefaults(chat.id, says)
  const title = given?.toWellFormed()
  if (title !== undefined) {
    await store.renameChat(chat.id, title)
    await chats.editAtOnce(chat.id, (writer) => writer.setChat({ title }))
  }
  const tell = await announcer(chat.id)
  if (title !== undefined) tell({ event: 'renamed', title })
  if (isOther) tell({ event: 'changed' })
  return { ...chat, ...(title !== undefined && { title }) }
}

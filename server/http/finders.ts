import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import type { ChatRow, FileRow, MessageRow } from '../store/store.ts'
import type { Services } from './services.ts'
import type { Find } from './route.ts'

/** The chat of `:chatId`. */
export const chatOfPath: Find<ChatRow> = async ({ identity, params, needed }, { access }) =>
  (await access.chat(identity, params['chatId']!, needed)).chat

/** The chat of `:chatId`; to do it to oneself (`:userId`) takes no more than membership. */
export const chatOfMember: Find<ChatRow> = async ({ identity, params, needed }, { access }) =>
  (await access.chat(identity, params['chatId']!, params['userId'] === identity.user.id ? 'viewer' : needed)).chat

/** The chat of `:chatId`; what a member may do for itself the body says, and its route checks the role for the rest. */
export const chatOfReader: Find<ChatRow> = async ({ identity, params }, { access }) =>
  (await access.chat(identity, params['chatId']!)).chat

/** The message of `:messageId`. */
export const messageOfPath: Find<MessageRow> = async ({ identity, params, needed }, { access }) =>
  (await access.message(identity, params['messageId']!, needed)).message

/** The message that the run of `:taskId` writes. */
export const messageOfTask: Find<MessageRow> = async ({ identity, params, needed }, { access, store }) => {
  const row = await store.findTask(params['taskId']!)
  if (!row) throw new RunnelError('not_found', 'There is no such task.')
  return (await access.message(identity, row.id, needed, 'task')).message
}

/** The file of `:fileId`, by the rights in its chat. */
export const fileOfPath: Find<FileRow> = async ({ identity, params, needed }, { access }) =>
  (await access.file(identity, params['fileId']!, needed)).file

export const fileIds = z.array(z.string().max(100)).max(20).describe('ids of files that were uploaded to this chat')

/** The files that a body names. Throws `not_found`. */
export async function filesOf(ids: readonly string[], chatId: string, { store }: Services): Promise<FileRow[]> {
  return await Promise.all(
    [...new Set(ids)].map(async (id) => {
      const file = await store.getFile(id)
      if (file?.chatId !== chatId) throw new RunnelError('not_found', 'files: there is no such file in this chat.')
      return file
    }),
  )
}

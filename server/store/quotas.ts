import { RunnelError } from '../../shared/errors.ts'
import type { FileQuotas } from './store.ts'

/** What somebody has already, what is being sent included. */
export interface FileUsage {
  bytes: number
  files: number
}

/** Throws `too_large` or `rate_limited` where a file of this size does not fit beside what is there. */
export function refuseFile(size: number, ofUser: FileUsage, ofChat: FileUsage, quotas: FileQuotas): void {
  const { userBytes, userFiles, chatBytes, chatFiles } = quotas
  if (ofUser.bytes + size > userBytes)
    throw new RunnelError(
      'too_large',
      `Your files would have more than ${userBytes} bytes together; delete messages or chats with files first (RUNNEL_MAX_FILE_BYTES_PER_USER).`,
    )
  if (ofChat.bytes + size > chatBytes)
    throw new RunnelError(
      'too_large',
      `The files of this chat would have more than ${chatBytes} bytes together; delete messages with files first, or use another chat (RUNNEL_MAX_FILE_BYTES_PER_CHAT).`,
    )
  if (ofUser.files >= userFiles)
    throw new RunnelError(
      'rate_limited',
      `You have ${userFiles} files; delete messages or chats with files first (RUNNEL_MAX_FILES_PER_USER).`,
    )
  if (ofChat.files >= chatFiles)
    throw new RunnelError(
      'rate_limited',
      `This chat has ${chatFiles} files; delete messages with files first, or use another chat (RUNNEL_MAX_FILES_PER_CHAT).`,
    )
}

/** Throws `rate_limited` where there are so many already. */
export function refuseChat(owned: number, max: number, isUnlisted: boolean): void {
  if (owned < max) return
  throw new RunnelError(
    'rate_limited',
    isUnlisted
      ? `You have made ${max} chats by /v1 within a day; name one by X-Runnel-Chat-Id, or try again later: each goes after 24 hours (RUNNEL_MAX_UNLISTED_CHATS_PER_USER).`
      : `You have ${max} chats; delete some first (RUNNEL_MAX_CHATS_PER_USER).`,
  )
}

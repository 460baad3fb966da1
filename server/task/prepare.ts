import type { Files } from '../files/files.ts'
import type { ProviderRequest } from '../provider/events.ts'
import type { Store } from '../store/store.ts'
import { attachmentParts } from './attachments.ts'
import type { MessageReader } from './message-reader.ts'
import { buildPrompt } from './prompt.ts'
import type { Run } from './run.ts'

export interface PrepareOptions {
  store: Store
  files: Files
  messages: MessageReader
  system: string | undefined
  maxHistoryChars: number | undefined
}

/** What a run asks of its provider: the branch that it answers, read when it begins. */
export async function prepareRequest({ store, files, messages, system, maxHistoryChars }: PrepareOptions, run: Run): Promise<ProviderRequest> {
  const chat = await store.getChat(run.chatId)
  const rows = (await store.branch(run.messageId)).filter(row => row.id !== run.messageId)
  const branch = await Promise.all(rows.map(async row => {
    // One that still runs counts with what it has said so far.
    const message = await messages.read(row)
    return row.role === 'assistant'
      ? { message, providerData: await store.getProviderData(row.id) }
      : { message, providerData: [], parts: await attachmentParts(message, files) }
  }))
  const { model, tools, params } = run.request
  return {
    model,
    prompt: buildPrompt({ system: [system, chat?.system, run.request.system], branch, maxHistoryChars }),
    ...(tools && { tools }),
    ...(params && { params }),
  }
}

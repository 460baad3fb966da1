import type { Message } from '../../shared/schema.ts'
import type { Files } from '../files/files.ts'
import type { ProviderRequest } from '../provider/events.ts'
import type { ProviderData, Store } from '../store/store.ts'
import { attachmentParts } from './attachments.ts'
import { continued, type ContinueBy } from './continuation.ts'
import type { MessageReader } from './message-reader.ts'
import { answerItems, buildPrompt } from './prompt.ts'
import type { Run } from './run.ts'

export interface PrepareOptions {
  store: Store
  files: Files
  messages: MessageReader
  system: string | undefined
  maxHistoryChars: number | undefined
  continueBy: ContinueBy
}

/** What a run asks of its provider, without tools: the branch that it answers, read when it begins. */
export async function prepareRequest(
  { store, files, messages, system, maxHistoryChars }: PrepareOptions,
  run: Run,
): Promise<ProviderRequest> {
  const { model, params, messages: given } = run.request
  const rest = { model, ...(params && { params }) }
  if (given) return { ...rest, messages: given, prompt: [] }
  const chat = await store.getChat(run.chatId)
  const rows = (await store.branch(run.messageId)).filter((row) => row.id !== run.messageId)
  const branch = await Promise.all(
    rows.map(async (row) => {
      // One that still runs counts with what it has said so far.
      const message = await messages.read(row)
      return row.role === 'assistant'
        ? { message, providerData: await store.getProviderData(row.id) }
        : { message, providerData: [], parts: await attachmentParts(message, files) }
    }),
  )
  return {
    ...rest,
    prompt: buildPrompt({ system: [system, chat?.system, run.request.system], branch, maxHistoryChars }),
  }
}

/** The next request of a run: what it asked first, and what the message holds by now. `continueBy`: it goes on with an answer that had ended. */
export function nextRequest(
  first: ProviderRequest,
  message: Message,
  providerData: readonly ProviderData[],
  continueBy: ContinueBy | null,
): ProviderRequest {
  const { decision } = first
  const items = answerItems(message, providerData, decision?.callId).map((item) => ({ ...item, isOwn: true }))
  if (decision) return { ...first, prompt: [...first.prompt, ...items] }
  return { ...first, prompt: [...first.prompt, ...(continueBy ? continued(items, continueBy) : items)] }
}

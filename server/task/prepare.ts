import type { Message } from '../../shared/schema.ts'
import type { Files } from '../files/files.ts'
import type { ProviderRequest } from '../provider/events.ts'
import type { ProviderData, Store } from '../store/store.ts'
import { attachments, fileIdOf, type Attachments } from './attachments.ts'
import { continued, type ContinueBy } from './continuation.ts'
import type { MessageReader } from './message-reader.ts'
import { answerItems, buildPrompt } from './prompt.ts'
import { refusalsOf, type LeftOutFile, type SentFile } from './refused-files.ts'
import type { Run } from './run.ts'

export interface PrepareOptions {
  store: Store
  files: Files
  messages: MessageReader
  system: string | undefined
  maxHistoryChars: number | undefined
  continueBy: ContinueBy
}

export interface PreparedRequest {
  request: ProviderRequest
  /** Files that went along, oldest first. */
  sent: readonly SentFile[]
  leftOut: readonly LeftOutFile[]
}

/** What a run asks of its provider, without tools: the branch that it answers, read when it begins. */
export async function prepareRequest(options: PrepareOptions, run: Run): Promise<PreparedRequest> {
  const { store, messages, system, maxHistoryChars } = options
  const { model, params, messages: given } = run.request
  const rest = { model, ...(params && { params }) }
  if (given) return { request: { ...rest, messages: given, prompt: [] }, sent: [], leftOut: [] }
  const chat = await store.getChat(run.chatId)
  const rows = (await store.branch(run.messageId)).filter((row) => row.id !== run.messageId)
  const branch = await Promise.all(
    rows.map(async (row) => {
      // One that still runs counts with what it has said so far.
      const message = await messages.read(row)
      return row.role === 'assistant'
        ? { message, providerData: await store.getProviderData(row.id), files: null }
        : { message, providerData: [], files: await filesOfQuestion(options, message, run, row.id === rows.at(-1)?.id) }
    }),
  )
  const answered = branch.findLastIndex(
    ({ message }) => message.role === 'assistant' && message.status === 'completed' && message.model === model,
  )
  const prompt = buildPrompt({
    system: [system, chat?.system, run.request.system],
    branch: branch.map(({ files, ...turn }) => ({ ...turn, ...(files && { parts: files.parts }) })),
    maxHistoryChars,
  })
  // Those of turns that were dropped did not go.
  const went = new Set(prompt.flatMap((item) => (item.role === 'user' ? (item.parts ?? []) : [])))
  const sent = branch.flatMap(({ files }, index) =>
    (files?.sent ?? []).map((file) => ({ ...file, isNew: index > answered })),
  )
  const leftOut = branch.flatMap(({ files }) => files?.leftOut ?? [])
  return {
    request: { ...rest, prompt },
    sent: sent.filter(({ part }) => went.has(part)),
    leftOut: leftOut.filter(({ part }) => went.has(part)),
  }
}

async function filesOfQuestion(
  { store, files }: PrepareOptions,
  message: Message,
  { request: { model, edits } }: Run,
  isLast: boolean,
): Promise<Attachments> {
  const any = message.output.some((block) => fileIdOf(block) !== undefined)
  const refused = any
    ? await refusalsOf(store, message.id, model, isLast ? edits : undefined)
    : new Map<string, string>()
  return await attachments(message, files, refused)
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

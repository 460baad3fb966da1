import type { JsonObject, Message } from '../../shared/schema.ts'
import type { Files } from '../files/files.ts'
import type { ProviderRequest } from '../provider/events.ts'
import type { ProviderData, Store } from '../store/store.ts'
import { attachments, fileIdOf, type Attachments, type FileRoom } from './attachments.ts'
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
  /** Bytes of files that one request encloses. */
  maxRequestFileBytes: number
  continueBy: ContinueBy
}

export interface PreparedRequest {
  request: ProviderRequest
  /** Files that went along, oldest first. */
  sent: readonly SentFile[]
  leftOut: readonly LeftOutFile[]
  /** Names of those for which it has no room, oldest first. */
  tooMany: readonly string[]
}

/** What a run asks of its provider, without tools: the branch that it answers, read when it begins. */
export async function prepareRequest(options: PrepareOptions, run: Run): Promise<PreparedRequest> {
  const { store, messages, system, maxHistoryChars, maxRequestFileBytes } = options
  const { model, params, messages: given } = run.request
  const rest = { model, ...(params && { params }) }
  if (given) return { request: { ...rest, messages: given, prompt: [] }, sent: [], leftOut: [], tooMany: [] }
  const chat = await store.getChat(run.chatId)
  const rows = (await store.branch(run.messageId)).filter((row) => row.id !== run.messageId)
  const branch = await Promise.all(
    rows.map(async (row) => {
      // One that still runs counts with what it has said so far.
      const message = await messages.read(row)
      return { message, providerData: row.role === 'assistant' ? await store.getProviderData(row.id) : [] }
    }),
  )
  // From the newest on: what is asked now needs its files most.
  const room = { left: maxRequestFileBytes }
  const filesOf: (Attachments | null)[] = branch.map(() => null)
  for (let i = branch.length - 1; i >= 0; i--)
    if (rows[i]!.role === 'user')
      filesOf[i] = await filesOfQuestion(options, branch[i]!.message, run, { isLast: i === rows.length - 1, room })
  const answered = branch.findLastIndex(
    ({ message }) => message.role === 'assistant' && message.status === 'completed' && message.model === model,
  )
  const prompt = buildPrompt({
    system: [system, chat?.system, run.request.system],
    branch: branch.map((turn, i) => ({ ...turn, ...(filesOf[i] && { parts: filesOf[i].parts }) })),
    maxHistoryChars,
  })
  // Those of turns that were dropped did not go.
  const went = new Set(prompt.flatMap((item) => (item.role === 'user' ? (item.parts ?? []) : [])))
  const hasGone = ({ part }: { part: JsonObject }) => went.has(part)
  const sent = filesOf.flatMap((files, index) =>
    (files?.sent ?? []).map((file) => ({ ...file, isNew: index > answered })),
  )
  return {
    request: { ...rest, prompt },
    sent: sent.filter(hasGone),
    leftOut: filesOf.flatMap((files) => (files?.leftOut ?? []).filter(hasGone)),
    tooMany: filesOf.flatMap((files) => (files?.tooMany ?? []).filter(hasGone).map(({ name }) => name)),
  }
}

async function filesOfQuestion(
  { store, files }: PrepareOptions,
  message: Message,
  { request: { model, edits } }: Run,
  { isLast, room }: { isLast: boolean; room: FileRoom },
): Promise<Attachments> {
  const any = message.output.some((block) => fileIdOf(block) !== undefined)
  const refused = any
    ? await refusalsOf(store, message.id, model, isLast ? edits : undefined)
    : new Map<string, string>()
  return await attachments(message, files, refused, room)
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

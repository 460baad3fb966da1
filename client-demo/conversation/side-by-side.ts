import type { Client, RunnelError, RunRequest, Sent } from '@runnel/client'
import { newKey } from '../compose/keys.ts'
import { PerChat, usePerChat } from './store.ts'

/** At most this many models are asked one question. */
export const mostModels = 4

/** A model that has not been asked yet. */
export interface Pending {
  readonly model: string
  /** The same key for every try, so it is asked only once. */
  readonly key: string
  readonly error?: RunnelError
}

/** The question of a chat whose answers are shown side by side. */
export interface SideBySide {
  readonly questionId: string
  /** The first answer. The next question follows it unless the person chooses another. */
  readonly firstId: string
  /** How many models are asked. */
  readonly count: number
  /** The request for the models that have not been asked yet. */
  readonly request: RunRequest
  readonly pending: readonly Pending[]
}

/** Kept for this tab, over reloads. It contains only ids, no texts. */
const storageKey = 'runnel-side-by-side'
const keptChats = 50
const kept = new Map<string, SideBySide>()
const store = new PerChat<SideBySide>()
restore()

/** Asks further models a question that was sent. */
export function askOthers(client: Client, sent: Sent, request: RunRequest, models: readonly string[]): void {
  if (models.length === 0) return
  put(sent.chatId, {
    questionId: sent.userMessageId,
    firstId: sent.messageId,
    count: models.length + 1,
    request,
    pending: models.map((model) => ({ model, key: newKey() })),
  })
  // A waiting question is not in the chat yet: the other models are asked once it is.
  if (sent.waitingId === undefined) void askTheRest(client, sent.chatId)
}

/** Whether the answers to this question are shown side by side. */
export function useIsSideBySide(chatId: string, questionId: string | null): boolean {
  return usePerChat(store, chatId, (group) => group !== null && group.questionId === questionId)
}

export function useSideBySideGroup(chatId: string): SideBySide | null {
  return usePerChat(store, chatId, (group) => group)
}

/** The models without an answer, given how many answers the chat lists: one may be listed although its request has not been answered. */
export function withoutAnswer({ pending, count }: SideBySide, listed: number): Pending[] {
  const failed = pending.filter(({ error }) => error)
  const missing = count - listed - failed.length
  const waiting = pending.filter(({ error }) => !error)
  return [...(missing > 0 ? waiting.slice(-missing) : []), ...failed]
}

/** Shows the versions of an answer side by side. */
export function showSideBySide(chatId: string, questionId: string, firstId: string): void {
  put(chatId, { questionId, firstId, count: 0, request: {}, pending: [] })
}

export function endSideBySide(chatId: string): void {
  put(chatId, null)
}

const asking = new Set<string>()

/** Asks the remaining models one after the other, so that the columns are in the order of the choice. */
export async function askTheRest(client: Client, chatId: string): Promise<void> {
  if (asking.has(chatId)) return
  asking.add(chatId)
  try {
    for (let next = nextOf(chatId); next; next = nextOf(chatId)) {
      const { group, asked } = next
      const request = { ...group.request, model: asked.model }
      const error = await client.api.regenerate(group.firstId, request, { idempotencyKey: asked.key }).then(
        () => null,
        (failure: RunnelError) => failure,
      )
      // By now another question may be shown side by side.
      const now = store.get(chatId)
      if (now?.questionId !== group.questionId) continue
      const others = now.pending.filter(({ key }) => key !== asked.key)
      put(chatId, { ...now, pending: error ? [...others, { ...asked, error }] : others })
      client.chat(chatId).branch.choose(now.firstId)
    }
  } finally {
    asking.delete(chatId)
  }
}

/** Tries again to ask a model that could not be asked. */
export function askAgain(client: Client, chatId: string, key: string): void {
  changePending(chatId, (pending) => pending.map((one) => (one.key === key ? { model: one.model, key } : one)))
  void askTheRest(client, chatId)
}

export function leaveOut(chatId: string, key: string): void {
  changePending(chatId, (pending) => pending.filter((one) => one.key !== key))
}

function changePending(chatId: string, change: (pending: readonly Pending[]) => Pending[]): void {
  const group = store.get(chatId)
  if (group) put(chatId, { ...group, pending: change(group.pending) })
}

function nextOf(chatId: string): { group: SideBySide; asked: Pending } | null {
  const group = store.get(chatId)
  const asked = group?.pending.find(({ error }) => !error)
  return group && asked ? { group, asked } : null
}

function put(chatId: string, group: SideBySide | null): void {
  kept.delete(chatId)
  if (group) kept.set(chatId, group)
  const [oldest] = kept.keys()
  if (kept.size > keptChats && oldest !== undefined) kept.delete(oldest)
  store.set(chatId, group)
  try {
    // A new try finds out again why one could not be asked.
    sessionStorage.setItem(
      storageKey,
      JSON.stringify([...kept], (name, value: unknown) => (name === 'error' ? undefined : value)),
    )
  } catch {
    // The storage is full or forbidden: after a reload one answer is shown.
  }
}

function restore(): void {
  try {
    const saved = JSON.parse(sessionStorage.getItem(storageKey) ?? '[]') as [string, SideBySide][]
    for (const [chatId, group] of saved) {
      kept.set(chatId, group)
      store.set(chatId, group)
    }
  } catch {
    // Another version of this page wrote it.
  }
}

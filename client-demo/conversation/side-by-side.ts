import type { Client, RunnelError, RunRequest, Sent } from '@runnel/client'
import { newKey } from '../compose/keys.ts'
import { PerChat, usePerChat } from './store.ts'

/** One question is put to so many models at the most. */
export const mostModels = 4

/** A model that is still to be asked. */
export interface Pending {
  readonly model: string
  /** The same for every try: it is asked once. */
  readonly key: string
  readonly error?: RunnelError
}

/** The question of a chat whose answers are on show side by side. */
export interface SideBySide {
  readonly questionId: string
  /** The first answer, which goes on being the one that a next question follows. */
  readonly firstId: string
  /** So many are asked. */
  readonly count: number
  /** How the others are asked, where some still are to be. */
  readonly request: RunRequest
  readonly pending: readonly Pending[]
}

/** Of this tab, kept over reloads. No words of anybody are in it, only ids. */
const storageKey = 'runnel-side-by-side'
const keptChats = 50
const kept = new Map<string, SideBySide>()
const store = new PerChat<SideBySide>()
restore()

/** Puts a question that was sent to other models, too. */
export function askOthers(client: Client, sent: Sent, request: RunRequest, models: readonly string[]): void {
  if (models.length === 0) return
  put(sent.chatId, {
    questionId: sent.userMessageId,
    firstId: sent.messageId,
    count: models.length + 1,
    request,
    pending: models.map((model) => ({ model, key: newKey() })),
  })
  // What waits behind an answer is not there yet: the rest is asked once it is.
  if (sent.waitingId === undefined) void askTheRest(client, sent.chatId)
}

/** Are the answers to this question on show side by side? */
export function useIsSideBySide(chatId: string, questionId: string | null): boolean {
  return usePerChat(store, chatId, (group) => group !== null && group.questionId === questionId)
}

export function useSideBySideGroup(chatId: string): SideBySide | null {
  return usePerChat(store, chatId, (group) => group)
}

/** Those that have no answer yet, where the chat lists so many: one that is listed already may not have been heard of otherwise. */
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

/** Asks the models that are still to be asked, one after the other, so that the columns stand in the order of the choice. */
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
      // Another question may be on show side by side by now.
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

/** Asks a model again that could not be asked. */
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
    // Why one could not be asked is found out anew.
    sessionStorage.setItem(
      storageKey,
      JSON.stringify([...kept], (name, value: unknown) => (name === 'error' ? undefined : value)),
    )
  } catch {
    // No room, or none allowed: a reload shows one answer then.
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
    // Of another version of this page.
  }
}

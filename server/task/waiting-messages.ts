import { isRunnelError, RunnelError, type ErrorCode } from '../../shared/errors.ts'
import { isTerminal, type Json } from '../../shared/schema.ts'
import { mayStillWrite } from '../auth/access.ts'
import type { User } from '../auth/auth.ts'
import { Coalesced } from '../room/coalesced.ts'
import type { Claimed, WaitingChange, WaitingLine, WaitingMessage } from '../store/store.ts'
import { isAway } from '../waiting/patience.ts'
import { newId } from './ids.ts'
import type { Running, RunningOptions } from './running.ts'
import type { RunStarter } from './run-starter.ts'
import { questionBlocks, type Started, type StartOptions } from './start.ts'
import type { Stopping } from './stopping.ts'
import { saidOf, startedOf, type Asked, type Said } from './waiting-entry.ts'
import { WaitingList } from './waiting-list.ts'

/** What becomes of a message that comes while an answer of its chat is being written: it waits behind the others; it is sent at once, and that run is stopped; it is refused. */
export type WhenBusy = 'queue' | 'interrupt' | 'reject'

export interface AskOptions extends StartOptions {
  whenBusy: WhenBusy
  /** What of the request the caller has named. */
  asked: Asked
}

/** `waitingId`: it waits, and is called so until it is taken. */
export type Asking = Started & { waitingId?: string }

export interface WaitingOptions extends RunningOptions {
  running: Running
  starter: RunStarter
  stopping: Stopping
}

/** A deletion takes no longer; what has died meanwhile holds up nobody for good. */
const holdMs = 30_000
/** Another may begin or end a run between two looks. */
const maxTries = 10
const maxSteps = 200

/**
 * Messages that wait until the answer before them has ended. Each stands in the store and in its chat's document until
 * it is taken, which the store does once, whoever tries: whoever saves an end, the next start, any node's sweep.
 */
export class WaitingMessages {
  readonly #options: WaitingOptions
  readonly #list: WaitingList
  readonly #takes = new Coalesced((chatId: string) => this.#take(chatId))
  readonly #taking = new Set<Promise<void>>()
  /** Chats that had something to do at the last sweep. */
  #left = new Set<string>()

  constructor(options: WaitingOptions) {
    this.#options = options
    this.#list = new WaitingList(options)
  }

  /** As `RunStarter.start`; or it waits. Throws as that; `busy` only for `reject`. */
  async ask(options: AskOptions): Promise<Asking> {
    const { whenBusy, user, chat, parentId } = options
    for (let tries = 1; ; tries += 1) {
      try {
        const asking: Asking = await this.#options.starter.start(options)
        if (whenBusy === 'interrupt' && asking.waitingId !== undefined)
          await this.#interrupt(chat.id, asking.waitingId, user)
        return asking
      } catch (error) {
        const waits = whenBusy !== 'reject' && parentId === undefined && tries < maxTries
        if (!waits || !isRunnelError(error) || error.code !== 'busy') throw error
      }
      const asking = await this.#put(options)
      if (asking === 'idle') continue
      await this.#list.list(chat.id)
      if (whenBusy === 'interrupt') await this.#interrupt(chat.id, asking.waitingId, user)
      this.take(chat.id)
      return asking
    }
  }

  async #put({ user, chat, question, request, asked, claim, whenBusy }: AskOptions) {
    const { store, authors, filesUrl, now, maxWaitingPerChat, maxWaitingPerUser } = this.#options
    const by = await authors.by(chat.id, user)
    const said: Said = {
      by,
      output: questionBlocks(question!, filesUrl),
      request: { ...request, by },
      asked,
      messageId: newId('msg'),
      taskId: newId('task'),
    }
    const message = { id: newId('msg'), chatId: chat.id, userId: user.id, createdAt: now(), said: asJson(said) }
    const started = startedOf({ ...message, refused: null })
    const put: Claimed | 'idle' = await store.putWaiting({
      message,
      first: whenBusy === 'interrupt',
      files: (question!.files ?? []).map(({ id }) => id),
      ...(claim && { claim: { ...claim, response: started } }),
      maxOfChat: maxWaitingPerChat,
      maxOfUser: maxWaitingPerUser,
    })
    if (put === 'idle') return put
    return put.repeated ? (put.response as typeof started) : started
  }

  /** All that wait in a chat, in their order. Throws `store_unavailable`. */
  async of(chatId: string): Promise<readonly WaitingMessage[]> {
    const { store, now } = this.#options
    return (await store.waitingLine(chatId, now()))?.messages ?? []
  }

  /** Other words, another place; returns it as it is then. Throws `not_found`, `bad_request`, `store_unavailable`. */
  async change(
    { id, chatId }: WaitingMessage,
    { content, place }: { content?: string; place?: WaitingChange['place'] },
    user: User,
  ): Promise<WaitingMessage> {
    const { store, authors, now } = this.#options
    const editor = await authors.by(chatId, user)
    // Of two who change the same words at once the later one has seen what the other made of them, or tries again.
    for (let tries = 1; tries <= maxTries; tries += 1) {
      const line = await store.waitingLine(chatId, now())
      const message = line?.messages.find((other) => other.id === id)
      if (!message) break
      const change: WaitingChange = {
        ...(content !== undefined && {
          said: asJson(withWords(message, content, message.userId === user.id ? null : editor)),
        }),
        ...(place && { place }),
      }
      if (!(await store.changeWaiting(message, change, line!.version))) continue
      await this.#list.list(chatId)
      this.take(chatId)
      return { ...message, ...(change.said !== undefined && { said: change.said }) }
    }
    throw sentAlready()
  }

  /** Returns the files that went with it: their bytes are still to be removed. Throws `not_found`, `store_unavailable`. */
  async remove(message: WaitingMessage): Promise<readonly string[]> {
    const files = await this.#options.store.removeWaiting(message)
    if (!files) throw sentAlready()
    await this.#list.list(message.chatId)
    this.take(message.chatId)
    return files
  }

  /**
   * It goes before all others, and the run that they wait for is stopped. Throws `not_found`, `store_unavailable`; `forbidden`,
   * `too_large` where it cannot be sent: then nothing is stopped for it.
   */
  async send(message: WaitingMessage, user: User): Promise<Started> {
    const { store } = this.#options
    const refused = await this.#refusal(message)
    if (refused) throw new RunnelError(refused.code, refused.message)
    if (!(await store.changeWaiting(message, { place: 'first', refused: null }))) throw sentAlready()
    await this.#list.list(message.chatId)
    await this.#interrupt(message.chatId, message.id, user)
    this.take(message.chatId)
    const { waitingId: _, ...started } = startedOf(message)
    return started
  }

  /** While something is deleted in a chat nothing that waits there is taken: it would answer what is about to go. Throws what `work` throws. */
  async hold<T>(chatId: string, work: () => Promise<T>): Promise<T> {
    const { store, now } = this.#options
    const hold = newId('hold')
    await store.holdWaiting(chatId, hold, now() + holdMs)
    try {
      return await work()
    } finally {
      await store.holdWaiting(chatId, hold, null).catch((error: unknown) => this.#failed(error))
      this.take(chatId)
    }
  }

  /** What is first in a chat is taken, if it is its turn. Never rejects: what fails is done by a sweep. */
  take(chatId: string): void {
    const taking = this.#takes.ask(chatId).catch((error: unknown) => this.#failed(error))
    this.#taking.add(taking)
    void taking.finally(() => this.#taking.delete(taking))
  }

  /** What was left over, by a crash or by a store that was away: at once, or what was there at the last sweep, too. Never rejects. */
  async takeLeft(atOnce: boolean): Promise<void> {
    const { store, now, running } = this.#options
    if (running.closed) return
    try {
      const chats = await store.waitingChats(now())
      for (const chatId of chats) if (atOnce || this.#left.has(chatId)) this.take(chatId)
      this.#left = new Set(chats)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Nothing of it is under way any more. To be called when no more runs are taken. */
  async settled(): Promise<void> {
    while (this.#taking.size > 0) await Promise.all(this.#taking)
  }

  async #interrupt(chatId: string, waitingId: string, user: User): Promise<void> {
    const { store, now, stopping } = this.#options
    const line = await store.waitingLine(chatId, now())
    // Sent already; or somebody has put another before it since.
    if (!line || line.after === null || nextOf(line)?.id !== waitingId) return
    const row = await store.getRow(line.after)
    if (row?.role === 'assistant' && !isTerminal(row.status)) await stopping.stop(row, user)
  }

  async #take(chatId: string): Promise<void> {
    const { store, now, running, starter } = this.#options
    // Each step refuses one of the line, takes one, or finds that somebody else has changed it.
    for (let steps = 0; steps < maxSteps && !running.closed; steps += 1) {
      const line = await store.waitingLine(chatId, now())
      if (!line) return
      if (line.listed !== line.version) await this.#list.list(chatId)
      const next = nextOf(line)
      const chat = next && line.ready ? await store.getChatRow(chatId) : null
      if (!next || !chat) return
      const refused = await this.#refusal(next)
      if (refused) await store.changeWaiting(next, { refused }, line.version)
      else if (await starter.take(chat, next, line)) return await this.#list.list(chatId)
    }
  }

  /** Why it is not to be sent, though it was taken when it came. */
  async #refusal({ userId, chatId }: WaitingMessage): Promise<{ code: ErrorCode; message: string } | null> {
    const { store, chats, now } = this.#options
    if (!(await mayStillWrite(store, userId, chatId, now())))
      return { code: 'forbidden', message: 'Who has written this may not write in this chat any more.' }
    const full = await chats.fullness(chatId, 2)
    return full && { code: full.code, message: full.message }
  }

  #failed(error: unknown): void {
    const isRestarting = isRunnelError(error) && error.code === 'restarting'
    if (!isAway(error) && !isRestarting) this.#options.onError(error, { messageId: '' })
  }
}

/** The first that is to be sent. */
function nextOf({ messages }: WaitingLine): WaitingMessage | undefined {
  return messages.find(({ refused }) => refused === null)
}

function withWords(message: WaitingMessage, content: string, editor: Said['by'] | null): Said {
  const { editedBy: _, output, ...said } = saidOf(message)
  const [words, ...files] = output
  return {
    ...said,
    ...(editor && { editedBy: editor }),
    output: [{ ...words, text: content.toWellFormed() } as Said['output'][number], ...files],
  }
}

function asJson(said: Said): Json {
  return said as unknown as Json
}

/** What is changed, removed or sent too late. */
export function sentAlready(): RunnelError {
  return new RunnelError('not_found', 'There is no such waiting message: it was sent already, or removed.')
}

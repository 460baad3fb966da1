/**
 * Questions on their way to the server. Each is sent exactly once, whatever happens, because it keeps its idempotency key, even over
 * reloads. If the server cannot be reached, it waits for the connection; if the server refuses it, its words go back to the field.
 */
import { branch, type Client, type RunnelError, type RunRequest, type Sent } from '@runnel/client'
import { madeHere } from '../conversation/made.ts'
import { askOthers } from '../conversation/side-by-side.ts'
import type { Attachment } from './attachment.ts'
import { bringBack } from './attachments.ts'
import { drafts } from './drafts.ts'
import { forget, keep, kept, keptNames } from './kept.ts'
import { newKey } from './keys.ts'
import { titleOf } from './title.ts'

/** The field in which it was written: a chat's, or the new chat's. */
export const newChat = 'new'

export interface Outgoing {
  readonly key: string
  readonly writer: string
  readonly field: string
  readonly text: string
  readonly files: readonly Attachment[]
  readonly request: RunRequest
  /** Several are asked side by side. */
  readonly models: readonly string[]
  /** Where it waits behind an answer: before this one, if that waits still. */
  readonly before?: string | undefined
  readonly at: number
  /** Null: the chat has not been created yet. */
  readonly chatId: string | null
  /** The server could not be reached. */
  readonly isWaiting: boolean
  /** Where it was first asked for: what is asked again is the same. */
  readonly place: Place | null
}

type Place = { whenBusy: 'queue' } | { parentId: string }

type Written = Pick<Outgoing, 'writer' | 'field' | 'text' | 'files' | 'request' | 'models' | 'chatId' | 'before'>

const prefix = 'runnel-outbox/'
/** At most this many wait in this browser. */
export const mostWaiting = 50
/** Older ones are not sent by themselves: the person should look at them again. */
const stalestMs = 24 * 3_600_000
const firstRetryMs = 2_000
const longestRetryMs = 30_000

export class Outbox {
  readonly #client: Client
  readonly #listeners = new Set<() => void>()
  readonly #faults = new Map<string, RunnelError>()
  readonly #working = new Set<string>()
  /** Questions that came back, with key and chat: the same words sent again are the same question. */
  readonly #cameBack = new Map<string, Outgoing>()
  readonly #loaded = new Set<string>()
  #entries: readonly Outgoing[] = []
  #retryMs = firstRetryMs
  #retry: ReturnType<typeof setTimeout> | undefined
  #isOpen: boolean
  #wasLost = false
  /** Ends when the line is lost, and when it is back: what was asked before may be lost, and nobody would ever say so. */
  #line = new AbortController()

  constructor(client: Client) {
    this.#client = client
    const isOpen = () => client.connection.getSnapshot().status === 'open'
    this.#isOpen = isOpen()
    client.connection.subscribe(() => {
      if (isOpen() === this.#isOpen) return
      this.#isOpen = isOpen()
      this.#wasLost ||= !this.#isOpen
      if (this.#wasLost) {
        this.#line.abort()
        this.#line = new AbortController()
      }
      if (!this.#isOpen) return
      this.#retryMs = firstRetryMs
      this.#workAll()
    })
    addEventListener('storage', ({ key, newValue }) => {
      // Removed in another tab, or sent there.
      if (key?.startsWith(prefix) && newValue === null)
        this.#put(this.#entries.filter((one) => nameOf(one) !== key || !one.isWaiting))
    })
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly entries = (): readonly Outgoing[] => this.#entries

  /** Why the last question of a field came back. */
  readonly fault = (field: string): RunnelError | null => this.#faults.get(field) ?? null

  dismiss(field: string): void {
    if (this.#faults.delete(field)) this.#tell()
  }

  /** What this person had not sent yet when they left the page. */
  load(writer: string): void {
    if (writer === '' || this.#loaded.has(writer)) return
    this.#loaded.add(writer)
    const found = keptNames(`${prefix}${encodeURIComponent(writer)}/`)
      .map((name) => kept<Outgoing & { hasFiles?: boolean }>(name))
      .filter((one) => typeof one?.text === 'string')
      .sort((a, b) => a!.at - b!.at)
    for (const one of found) {
      if (this.#entries.some(({ key }) => key === one!.key)) continue
      const { hasFiles, ...rest } = one!
      const entry: Outgoing = { ...rest, files: [], place: rest.place ?? null }
      // Files are not kept, and without them it would be another question.
      if (hasFiles || Date.now() - entry.at > stalestMs) this.#giveBack(entry)
      else this.#put([...this.#entries, entry])
    }
    this.#workAll()
  }

  /** False: too many wait already. */
  add(written: Written): boolean {
    if (this.#entries.length >= mostWaiting) return false
    this.#faults.delete(written.field)
    const last = this.#cameBack.get(written.field)
    const isSame = last !== undefined && intentOf(last) === intentOf(written)
    const chatId = written.chatId ?? last?.chatId ?? null
    const at = Date.now()
    // It waits behind others that wait.
    const isWaiting = this.#entries.some((one) => one.field === written.field && one.isWaiting)
    const { key, place } = isSame ? last : { key: newKey(), place: null }
    const entry: Outgoing = { ...written, key, place, chatId, at, isWaiting }
    this.#keep(entry)
    this.#put([...this.#entries, entry])
    void this.#work(entry.field)
    return true
  }

  /** Puts its words back into the field. Not possible while it is being sent. */
  takeBack(key: string): void {
    const entry = this.#entries.find((one) => one.key === key)
    if (!entry?.isWaiting) return
    this.#giveBack(entry)
  }

  remove(key: string): void {
    const entry = this.#entries.find((one) => one.key === key)
    if (!entry?.isWaiting) return
    for (const file of entry.files) file.leave()
    this.#drop(entry)
  }

  #workAll(): void {
    clearTimeout(this.#retry)
    for (const field of new Set(this.#entries.map((one) => one.field))) void this.#work(field)
  }

  /** One after the other, so that they arrive in the order in which they were written. */
  async #work(field: string): Promise<void> {
    if (this.#working.has(field)) return
    this.#working.add(field)
    try {
      for (let next = this.#first(field); next; next = this.#first(field)) if (!(await this.#send(next.key))) break
    } finally {
      this.#working.delete(field)
    }
  }

  #first(field: string): Outgoing | undefined {
    return this.#entries.find((one) => one.field === field)
  }

  /** False: it waits for the connection. */
  async #send(key: string): Promise<boolean> {
    const entry = this.#change(key, { isWaiting: false })
    if (!entry) return true
    const { signal } = this.#line
    try {
      const sent = await this.#deliver(entry, signal)
      this.#retryMs = firstRetryMs
      this.#cameBack.delete(entry.field)
      this.#drop(entry)
      for (const listener of sentListeners) listener(entry, sent)
      return true
    } catch (error) {
      const now = this.#entries.find((one) => one.key === key) ?? entry
      if (signal.aborted && this.#isOpen) return true // The same is sent again, at once.
      if (signal.aborted || isUnreachable(error as RunnelError)) {
        for (const { field, key: each } of this.#entries)
          if (field === entry.field) this.#change(each, { isWaiting: true })
        clearTimeout(this.#retry)
        this.#retry = setTimeout(() => this.#workAll(), this.#retryMs)
        this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs)
        return false
      }
      this.#faults.set(entry.field, error as RunnelError)
      this.#giveBack({ ...now, place: null })
      return true
    }
  }

  async #deliver(entry: Outgoing, signal: AbortSignal): Promise<Sent> {
    const { key, text, request, models, files, before } = entry
    const { api } = this.#client
    const chatId = entry.chatId ?? (await this.#make(entry, signal))
    const uploaded = await Promise.all(files.map((file) => file.upload(this.#client, chatId)))
    const [model] = models
    const run: RunRequest = { ...request, ...(model !== undefined && { model }) }
    const ids = uploaded.length > 0 && { files: uploaded }
    const place = entry.place ?? this.#placeOf(entry)
    this.#change(key, { place })
    const sent = await api.send(chatId, { ...run, content: text, ...ids, ...place }, { idempotencyKey: key, signal })
    if (sent.waitingId !== undefined && before !== undefined)
      await api.changeWaiting(chatId, sent.waitingId, { before }, { signal }).catch(() => {})
    this.#client.chat(chatId).branch.choose(sent.messageId)
    askOthers(this.#client, sent, run, models.slice(1))
    return sent
  }

  async #make({ key, text }: Outgoing, signal: AbortSignal): Promise<string> {
    const { id } = await this.#client.api.createChat(
      { title: titleOf(text), provisional: true },
      { idempotencyKey: `${key}-chat`, signal },
    )
    this.#change(key, { chatId: id })
    madeHere(id)
    return id
  }

  /** After the message that it follows, if the branch on show is not the newest. */
  #placeOf({ chatId }: Outgoing): Place {
    if (chatId === null) return { whenBusy: 'queue' }
    const chat = this.#client.chat(chatId)
    const last = chat.branch.getSnapshot().at(-1)?.message.id
    const isNewest = last === undefined || branch(chat.getSnapshot().messages).at(-1) === last
    return isNewest ? { whenBusy: 'queue' } : { parentId: last }
  }

  #giveBack(entry: Outgoing): void {
    const { writer, field, text, files } = entry
    this.#cameBack.set(field, entry)
    this.#drop(entry)
    const since = drafts.read(writer, field)
    drafts.write(writer, field, since === '' ? text : `${text}\n${since}`)
    bringBack(field, files)
  }

  #change(key: string, change: Partial<Outgoing>): Outgoing | undefined {
    const entry = this.#entries.find((one) => one.key === key)
    if (!entry) return undefined
    const changed = { ...entry, ...change }
    this.#keep(changed)
    this.#put(this.#entries.map((one) => (one.key === key ? changed : one)))
    return changed
  }

  #keep(entry: Outgoing): void {
    const { files, ...rest } = entry
    if (entry.writer !== '') keep(nameOf(entry), { ...rest, hasFiles: files.length > 0 })
  }

  #drop(entry: Outgoing): void {
    this.#put(this.#entries.filter(({ key }) => key !== entry.key))
    forget(nameOf(entry))
  }

  #put(entries: readonly Outgoing[]): void {
    this.#entries = entries
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

const sentListeners = new Set<(entry: Outgoing, sent: Sent) => void>()

/** Hears of each question that the server has taken. */
export function onSent(listener: (entry: Outgoing, sent: Sent) => void): () => void {
  sentListeners.add(listener)
  return () => sentListeners.delete(listener)
}

const nameOf = ({ writer, key }: Pick<Outgoing, 'writer' | 'key'>) => `${prefix}${encodeURIComponent(writer)}/${key}`

const intentOf = ({ text, request, models, files }: Written) =>
  JSON.stringify([text.trim(), request, models, files.map(({ key }) => key)])

/** Whether no server answered. An answer has a code of its own. */
const isUnreachable = ({ code, cause }: RunnelError) => code === 'internal' && cause !== undefined

const outboxes = new WeakMap<Client, Outbox>()

export function outboxOf(client: Client): Outbox {
  let outbox = outboxes.get(client)
  if (!outbox) outboxes.set(client, (outbox = new Outbox(client)))
  return outbox
}

import { Listeners } from '../listeners.ts'
import type { LiveMessage, MessageChange, MessageSnapshot } from '../message.ts'
import { loading } from '../replica.ts'
import type { Block, Message } from '../../shared/schema.ts'
import { bringTo, type GrowingPart, type TextForm } from './growing.ts'
import { noOutline, outlineOf, type MessageOutline } from './outline.ts'
import { Followed, type Part } from './part.ts'

type Source = Pick<LiveMessage, 'getSnapshot' | 'subscribe'>

const nothing: MessageSnapshot = { ...loading, message: null }
const growingStatuses: readonly string[] = ['in_progress', 'streaming', 'running']

/**
 * One message by its parts: who shows a block hears of that block, and a token costs what is new. It is followed while
 * anyone listens to a part, and keeps nothing while nobody does.
 */
export class MessageParts implements Part<MessageOutline> {
  readonly #find: (isFollowed: boolean) => Source | null
  readonly #first: MessageSnapshot
  readonly #followed = new Followed(() => this.#start())
  readonly #outlineListeners = new Listeners()
  readonly #blockListeners = new Map<string, Listeners>()
  readonly #texts = new Map<TextForm<unknown>, Map<string, GrowingPart>>()
  #live: Source | null = null
  #now: MessageSnapshot = nothing
  #outline = noOutline
  /** What the listeners know. */
  #told: MessageSnapshot = nothing
  #toldOutline = noOutline

  /**
   * `find`: where to read the message, to follow it from now on or not; null where there is nothing to be read yet.
   * `first`: what is shown until something has come.
   */
  constructor(find: (isFollowed: boolean) => Source | null, first?: Message) {
    this.#find = find
    this.#first = first ? { ...loading, message: first } : nothing
  }

  get isUsed(): boolean {
    return this.#followed.isUsed
  }

  readonly getSnapshot = (): MessageOutline => {
    this.#read()
    return this.#outline
  }

  readonly subscribe = (listener: () => void): (() => void) =>
    this.#followed.listen(() => this.#outlineListeners, listener)

  /** One block; null while there is none of this id. */
  block(id: string): Part<Block | null> {
    return {
      getSnapshot: () => blockOf(this.#read(), id),
      subscribe: (listener) => this.#followed.listen(() => this.#listenersOf(id), listener),
    }
  }

  /** A growing text of one block; empty while there is none. */
  text<Shown>(block: string, field: string, form: TextForm<Shown>): Part<Shown> {
    return {
      getSnapshot: () => {
        this.#read()
        return this.#textPart(block, field, form).follower.shown() as Shown
      },
      subscribe: (listener) => this.#followed.listen(() => this.#textPart(block, field, form).listeners, listener),
    }
  }

  #read(): MessageSnapshot {
    this.#live ??= this.#find(false)
    const read = this.#live?.getSnapshot() ?? nothing
    const snapshot = read.message === null && read.status === 'loading' ? this.#first : read
    if (snapshot !== this.#now) this.#outline = outlineOf(snapshot, this.#outline)
    return (this.#now = snapshot)
  }

  #start(): () => void {
    this.#live = this.#find(true)
    this.#told = this.#read()
    this.#toldOutline = this.#outline
    const stop = this.#live?.subscribe((change) => this.#changed(change))
    return () => {
      stop?.()
      this.#live = null
      this.#now = this.#told = nothing
      this.#outline = noOutline
      this.#blockListeners.clear()
      this.#texts.clear()
    }
  }

  #changed({ texts }: MessageChange): void {
    const [told, toldOutline] = [this.#told, this.#toldOutline]
    const now = (this.#told = this.#read())
    const outline = (this.#toldOutline = this.#outline)
    const parts = [...this.#texts.values()].flatMap((byName) => [...byName.values()])
    const changed = changedBlocks(told, now)
    const grown = parts.filter((part) => changed.has(part.block) && this.#follows(part, texts))
    for (const id of changed) this.#blockListeners.get(id)?.emit()
    for (const { listeners } of grown) listeners.emit()
    if (outline !== toldOutline) this.#outlineListeners.emit()
  }

  /** Takes the changes in; has that changed what it shows? What nobody listens to does nothing, until somebody asks. */
  #follows(part: GrowingPart, changes: MessageChange['texts']): boolean {
    if (part.listeners.size === 0) part.isBehind = true
    if (part.isBehind) return false
    const { follower } = part
    const before = follower.shown()
    for (const { block, field, from, text } of changes) {
      if (block !== part.block || field !== part.field) continue
      part.hasEnded = false
      if (from === 0) bringTo(follower, text)
      else follower.replaceFrom(from, text)
    }
    // A block that has just come tells its text by the snapshot alone.
    if (follower.length === textOf(this.#now, part).length) this.#endIfOver(part)
    else this.#bring(part)
    return follower.shown() !== before
  }

  #bring(part: GrowingPart): void {
    part.isBehind = false
    if (bringTo(part.follower, textOf(this.#now, part))) part.hasEnded = false
    this.#endIfOver(part)
  }

  #endIfOver(part: GrowingPart): void {
    const block = blockOf(this.#now, part.block)
    if (part.hasEnded || !block || growingStatuses.includes(block.status)) return
    part.hasEnded = true
    part.follower.end()
  }

  #listenersOf(block: string): Listeners {
    const listeners = this.#blockListeners.get(block) ?? new Listeners()
    this.#blockListeners.set(block, listeners)
    return listeners
  }

  #textPart(block: string, field: string, form: TextForm<unknown>): GrowingPart {
    const parts = this.#texts.get(form) ?? new Map<string, GrowingPart>()
    this.#texts.set(form, parts)
    const key = `${block} ${field}`
    const part = parts.get(key) ?? newPart(block, field, form)
    parts.set(key, part)
    // Nothing tells it of changes while nobody follows the message.
    if (part.isBehind || !this.isUsed) this.#bring(part)
    return part
  }
}

function newPart(block: string, field: string, form: TextForm<unknown>): GrowingPart {
  const listeners = new Listeners()
  return { block, field, follower: form.follow(() => listeners.emit()), listeners, hasEnded: false, isBehind: true }
}

/** Of those that are not the same objects any more, or stand elsewhere. */
function changedBlocks({ message: before }: MessageSnapshot, { message: now }: MessageSnapshot): Set<string> {
  const [old, output] = [before?.output ?? [], now?.output ?? []]
  const changed = new Set<string>()
  for (let i = 0; i < Math.max(old.length, output.length); i++)
    if (old[i] !== output[i]) for (const block of [old[i], output[i]]) if (block) changed.add(block.id)
  return changed
}

function blockOf({ message }: MessageSnapshot, id: string): Block | null {
  return message?.output.find((block) => block.id === id) ?? null
}

function textOf(snapshot: MessageSnapshot, { block, field }: GrowingPart): string {
  const text = (blockOf(snapshot, block) as unknown as Record<string, unknown> | null)?.[field]
  return typeof text === 'string' ? text : ''
}

import { Listeners } from '../listeners.ts'
import type { LiveMessage, MessageChange, MessageSnapshot } from '../message.ts'
import { loading } from '../replica.ts'
import type { Block } from '../../shared/schema.ts'
import { bringTo, type GrowingPart, type TextForm } from './growing.ts'
import { nextOutline, noOutline, type MessageOutline, type Outlined } from './outline.ts'
import type { Part } from './part.ts'

type Source = Pick<LiveMessage, 'getSnapshot' | 'subscribe'>

const nothing: MessageSnapshot = { ...loading, message: null }
const open: readonly string[] = ['in_progress', 'streaming', 'running']

/**
 * One message by its parts: who shows a block hears of that block, and a token
 * costs what is new. It is followed while anyone listens to a part, and keeps
 * nothing while nobody does. `first`: what is shown until something has come.
 */
export class MessageParts implements Part<MessageOutline> {
  readonly #find: (isFollowed: boolean) => Source | null
  readonly #first: MessageParts | null
  #empty: MessageParts | null = null
  #live: Source | null = null
  #stop: (() => void) | null = null
  #users = 0
  #now: Outlined = noOutline
  /** What the listeners know. */
  #told: Outlined = noOutline
  readonly #outlineListeners = new Listeners()
  readonly #blockListeners = new Map<string, Listeners>()
  readonly #texts = new Map<TextForm<unknown>, Map<string, GrowingPart>>()

  /** `find`: where to read the message, to follow it from now on or not; null where there is nothing to be read yet. */
  constructor(find: (isFollowed: boolean) => Source | null, first: MessageParts | null = null) {
    this.#find = find
    this.#first = first
  }

  /** What is shown while nothing has come. */
  get first(): MessageParts {
    return this.#first ?? (this.#empty ??= new MessageParts(() => null))
  }

  get isUsed(): boolean {
    return this.#users > 0
  }

  readonly getSnapshot = (): MessageOutline => {
    const { first } = this.#read()
    return first ? first.getSnapshot() : this.#now.outline
  }

  readonly subscribe = (listener: () => void): (() => void) => this.#listen(() => this.#outlineListeners, listener)

  /** One block; null while there is none of this id. */
  block(id: string): Part<Block | null> {
    return {
      getSnapshot: () => {
        const { first } = this.#read()
        return first ? first.block(id).getSnapshot() : blockOf(this.#now, id)
      },
      subscribe: (listener) => this.#listen(() => this.#listenersOf(id), listener),
    }
  }

  /** A growing text of one block; empty while there is none. */
  text<Shown>(block: string, field: string, form: TextForm<Shown>): Part<Shown> {
    return {
      getSnapshot: () => {
        const { first } = this.#read()
        if (first) return first.text(block, field, form).getSnapshot()
        const part = this.#textPart(block, field, form)
        return part.follower.shown() as Shown
      },
      subscribe: (listener) => this.#listen(() => this.#textPart(block, field, form).listeners, listener),
    }
  }

  #read(): { first: MessageParts | null } {
    this.#live ??= this.#find(false)
    const snapshot: MessageSnapshot = this.#live?.getSnapshot() ?? nothing
    if (this.#first && snapshot.message === null && snapshot.status === 'loading') return { first: this.#first }
    this.#now = nextOutline(this.#now, snapshot)
    return { first: null }
  }

  #listenersOf(block: string): Listeners {
    const listeners = this.#blockListeners.get(block) ?? new Listeners()
    this.#blockListeners.set(block, listeners)
    return listeners
  }

  #listen(listeners: () => Listeners, listener: () => void): () => void {
    if (this.#users++ === 0) this.#start()
    const remove = listeners().add(listener)
    let removed = false
    return () => {
      if (removed) return
      removed = true
      remove()
      if (--this.#users === 0) this.#end()
    }
  }

  #start(): void {
    this.#live = this.#find(true)
    this.#read()
    this.#told = this.#now
    this.#stop = this.#live?.subscribe((change) => this.#changed(change)) ?? (() => {})
  }

  #end(): void {
    this.#stop?.()
    this.#stop = this.#live = null
    this.#now = this.#told = noOutline
    this.#blockListeners.clear()
    this.#texts.clear()
  }

  #changed({ texts }: MessageChange): void {
    this.#read()
    const [before, now] = [this.#told, this.#now]
    this.#told = now
    const heard = [...this.#texts.values()].flatMap((parts) => [...parts.values()]).filter(follows)
    for (const part of heard) this.#follow(part, texts)
    for (const [id, listeners] of this.#blockListeners) {
      if (listeners.size === 0) this.#blockListeners.delete(id)
      else if (blockOf(before, id) !== blockOf(now, id)) listeners.emit()
    }
    for (const part of heard) {
      const shown = part.follower.shown()
      if (shown === part.told) continue
      part.told = shown
      part.listeners.emit()
    }
    if (before.outline !== now.outline) this.#outlineListeners.emit()
  }

  #follow(part: GrowingPart, changes: MessageChange['texts']): void {
    for (const { block, field, from, text } of changes) {
      if (block !== part.block || field !== part.field) continue
      part.hasEnded = false
      if (from === 0) bringTo(part.follower, text)
      else part.follower.replaceFrom(from, text)
    }
    // A block that has just come tells its text by the snapshot alone.
    if (part.follower.length !== textOf(this.#now, part).length) return this.#bring(part)
    this.#endIfOver(part)
  }

  #bring(part: GrowingPart): void {
    part.isBehind = false
    const text = textOf(this.#now, part)
    if (part.follower.toString() !== text) {
      part.hasEnded = false
      bringTo(part.follower, text)
    }
    this.#endIfOver(part)
  }

  #endIfOver(part: GrowingPart): void {
    const block = blockOf(this.#now, part.block)
    if (part.hasEnded || !block || open.includes(block.status)) return
    part.hasEnded = true
    part.follower.end()
  }

  #textPart(block: string, field: string, form: TextForm<unknown>): GrowingPart {
    const parts = this.#texts.get(form) ?? new Map<string, GrowingPart>()
    this.#texts.set(form, parts)
    const key = `${block} ${field}`
    let part = parts.get(key)
    if (!part) {
      const follower = form.follow()
      part = { block, field, follower, listeners: new Listeners(), told: null, hasEnded: false, isBehind: true }
      parts.set(key, part)
    }
    // Nothing tells it of changes while nobody follows the message.
    if (part.isBehind || !this.#stop) {
      this.#bring(part)
      part.told = part.follower.shown()
    }
    return part
  }
}

/** What nobody listens to does nothing, until somebody asks. */
function follows(part: GrowingPart): boolean {
  if (part.listeners.size === 0) part.isBehind = true
  return !part.isBehind
}

function blockOf({ output, places }: Outlined, id: string): Block | null {
  const place = places.get(id)
  return place === undefined ? null : output[place]!
}

function textOf(outlined: Outlined, { block, field }: GrowingPart): string {
  const text = (blockOf(outlined, block) as unknown as Record<string, unknown> | null)?.[field]
  return typeof text === 'string' ? text : ''
}

import { RunnelError } from '../../shared/errors.ts'
import type { Json } from '../../shared/schema.ts'
import type { LiveEntry, OnUnreadable } from './cluster.ts'
import type { RedisConnection } from './redis-connection.ts'
import { decodePublication, docOf, encodePublication, keyOf } from './redis-entry.ts'

const newsChannel = 'runnel:news'

interface Channel {
  followers: Set<(entry: LiveEntry) => void>
  subscribed: Promise<void>
}

/** What nodes tell each other: entries of documents on a sharded channel each, news on one of all. Each drops its own. */
export class RedisChannels {
  readonly #connection: RedisConnection
  readonly #node: string
  readonly #tag: Buffer
  readonly #onNews: (news: Json) => void
  readonly #onUnreadable: OnUnreadable
  readonly #channels = new Map<string, Channel>()
  #hearsNews = false

  constructor({
    connection,
    node,
    tag,
    onNews,
    onUnreadable,
  }: {
    connection: RedisConnection
    node: string
    tag: Buffer
    onNews: (news: Json) => void
    onUnreadable: OnUnreadable
  }) {
    this.#connection = connection
    this.#node = node
    this.#tag = tag
    this.#onNews = onNews
    this.#onUnreadable = onUnreadable
    connection.onMessage = (channel, message) => this.#receive(channel, message)
  }

  /** Several followers of a document share one subscription. */
  async follow(doc: string, onEntry: (entry: LiveEntry) => void): Promise<() => void> {
    let channel = this.#channels.get(doc)
    if (!channel) {
      channel = { followers: new Set(), subscribed: this.#connection.subscribe(keyOf(doc), true) }
      this.#channels.set(doc, channel)
    }
    // A function of its own: the same callback may follow twice.
    const follower = (entry: LiveEntry) => onEntry(entry)
    channel.followers.add(follower)
    const leave = () => this.#leave(doc, channel, follower)
    try {
      await channel.subscribed
    } catch (error) {
      leave()
      throw error
    }
    return leave
  }

  publish(doc: string, entry: LiveEntry): void {
    // Nobody waits for it: who follows compares numbers.
    void this.#connection.send([['SPUBLISH', keyOf(doc), encodePublication(this.#tag, entry)]])
  }

  /** All, or one. */
  tell(news: Json, node?: string): void {
    const channel = node === undefined ? newsChannel : newsOf(node)
    void this.#connection.send([['PUBLISH', channel, JSON.stringify([this.#node, news])]])
  }

  /** Sees to it that news arrives, now or when Redis is there. To be called now and then. */
  async hearNews(): Promise<void> {
    if (this.#hearsNews) return
    this.#hearsNews = true
    const own = newsOf(this.#node)
    const channels = [newsChannel, own].map((channel) => this.#connection.subscribe(channel, false))
    await Promise.all(channels).catch(() => {
      this.#hearsNews = false
    })
  }

  #leave(doc: string, channel: Channel, follower: (entry: LiveEntry) => void): void {
    if (!channel.followers.delete(follower) || channel.followers.size > 0) return
    this.#channels.delete(doc)
    this.#connection.unsubscribe(keyOf(doc))
  }

  /** Whoever reaches Redis can say something on a channel: what cannot be read, or acted upon, ends nothing here. */
  #receive(name: string, message: Buffer): void {
    try {
      if (isNews(name)) this.#hear(message)
      else this.#take(docOf(name), message)
    } catch (error) {
      this.#onUnreadable(isNews(name) ? 'news' : 'entry', error)
    }
  }

  #hear(message: Buffer): void {
    let heard: unknown
    try {
      heard = JSON.parse(message.toString())
    } catch {
      // The fault of `JSON.parse` quotes the text.
      throw new RunnelError('bad_request', 'News are no JSON.')
    }
    if (!Array.isArray(heard) || typeof heard[0] !== 'string')
      throw new RunnelError('bad_request', 'News name no node.')
    if (heard[0] !== this.#node) this.#onNews(heard[1] as Json)
  }

  #take(doc: string, message: Buffer): void {
    const channel = this.#channels.get(doc)
    if (!channel) return
    const { tag, seq, updates } = decodePublication(message)
    if (tag.equals(this.#tag)) return
    for (const follower of channel.followers) follower({ seq, updates })
  }
}

function newsOf(node: string): string {
  return `${newsChannel}:${node}`
}

function isNews(channel: string): boolean {
  return channel === newsChannel || channel.startsWith(newsOf(''))
}

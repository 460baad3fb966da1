import { RunnelError } from '../../shared/errors.ts'
import type { Json } from '../../shared/schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { within } from '../waiting/race.ts'
import type { SyncAnswered, SyncNews, SyncSaid } from './sync-news.ts'

/** A node that is there says within this time that it has heard. */
const heardMs = 3_000

interface Asked {
  heard: PromiseWithResolvers<void>
  done: PromiseWithResolvers<Buffer | null>
}

/** What callers of this node say to sessions of others, and what comes of it. */
export class SyncRelay {
  readonly #cluster: Pick<Cluster, 'node' | 'tell'>
  readonly #answerMs: number
  readonly #asked = new Map<string, Asked>()
  #ids = 0

  /** `answerMs`: a node that is there answers a poll within this time. */
  constructor(cluster: Pick<Cluster, 'node' | 'tell'>, answerMs: number) {
    this.#cluster = cluster
    this.#answerMs = answerMs
  }

  tell(news: SyncNews): void {
    this.#cluster.tell(news as unknown as Json, news.node)
  }

  /** Frames of the answer to a poll, or null. `hungUp`: nobody waits for it any more. Throws what that node says, `overloaded` where it says nothing. */
  async ask(said: Omit<SyncSaid, 'type' | 'from' | 'id'>, hungUp: AbortSignal): Promise<Buffer | null> {
    const id = String(++this.#ids)
    const asked: Asked = { heard: Promise.withResolvers(), done: Promise.withResolvers() }
    asked.done.promise.catch(() => {})
    this.#asked.set(id, asked)
    try {
      this.tell({ type: 'sync', from: this.#cluster.node, id, ...said })
      await within(heardMs, silent, asked.heard.promise, hungUp)
      return await within(this.#answerMs, silent, asked.done.promise, hungUp)
    } finally {
      this.#asked.delete(id)
    }
  }

  answered({ id, outcome }: SyncAnswered): void {
    const asked = this.#asked.get(id)
    if (!asked) return
    asked.heard.resolve()
    if (outcome.is === 'done')
      asked.done.resolve(outcome.frames === undefined ? null : Buffer.from(outcome.frames, 'base64'))
    else if (outcome.is === 'refused') asked.done.reject(new RunnelError(outcome.code, outcome.message))
  }
}

function silent(): RunnelError {
  return new RunnelError('overloaded', 'The server that holds this session does not answer. Try again in a moment.')
}

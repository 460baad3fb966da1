/** Several nodes' documents in one process, over one store. */
import type { Cluster, LiveEntry, UpdateLog } from '../../server/cluster/cluster.ts'
import { localCluster } from '../../server/cluster/local.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'
import type { Room } from '../../server/room/room.ts'
import { Rooms } from '../../server/room/rooms.ts'
import { memoryStore } from '../../server/store/memory/memory.ts'
import type { Store } from '../../server/store/store.ts'
import { Random } from '../fuzz/random.ts'

export const messageId = 'msg_manynodes1'
export const chatId = 'chat_manynodes1'

/** What carries entries between nodes: in order, late, and not all of them. */
export class Hub {
  readonly store = memoryStore()
  readonly followers = new Map<string, Set<{ node: string; onEntry: (entry: LiveEntry) => void }>>()
  readonly held: (() => void)[] = []
  /** Documents of which nobody can tell how far they have come. */
  readonly unreadable = new Set<string>()
  /** Before the log has what a node appends. */
  whileAppending = async (_node: string): Promise<void> => {}
  /** Before the log is read. */
  whileReading = async (_node: string): Promise<void> => {}
  /** Between an answer of the log and its arrival. */
  whileAnswering = async (): Promise<void> => {}
  lost = 0
  readonly #random: Random
  readonly #loss: number
  #failing = false

  constructor(random: Random, loss: number) {
    this.#random = random
    this.#loss = loss
  }

  /** The log that this hub has forgotten the tail of: the next append finds a gap. */
  failOver(): void {
    this.#failing = true
  }

  cluster(node: string): Cluster {
    const { store } = this
    const log: UpdateLog = {
      ...store.log,
      append: async (entries) => {
        await this.whileAppending(node)
        if (this.#failing) {
          this.#failing = false
          return entries.map(() => ({ status: 'gap' as const, seq: 0 }))
        }
        const results = await store.log.append(entries)
        for (const [i, { doc, updates }] of entries.entries()) {
          const result = results[i]!
          if (result.status === 'ok' && updates.length > 0) this.#publish(node, doc, { seq: result.seq, updates })
        }
        return results
      },
      read: async (doc) => {
        await this.whileReading(node)
        return await store.log.read(doc)
      },
      restore: async (doc, epoch, seq, state) => {
        const result = (await store.log.append([{ doc, epoch, previousSeq: seq - 1, updates: [state] }]))[0]!
        if (result.status === 'ok') this.#publish(node, doc, { seq: result.seq, updates: [state] })
        return result
      },
    }
    return {
      ...localCluster(log),
      node,
      many: true,
      follow: async (doc, onEntry) => {
        const follower = { node, onEntry }
        const followers = this.followers.get(doc) ?? new Set()
        this.followers.set(doc, followers.add(follower))
        return () => {
          followers.delete(follower)
        }
      },
      heads: async (docs) => {
        const heads = await Promise.all(
          docs.map(async (doc) => (this.unreadable.has(doc) ? undefined : await store.log.read(doc))),
        )
        await this.whileAnswering()
        return heads
      },
    }
  }

  deliver(count = Infinity): void {
    for (const deliver of this.held.splice(0, count)) deliver()
  }

  #publish(from: string, doc: string, entry: LiveEntry): void {
    for (const { node, onEntry } of this.followers.get(doc) ?? []) {
      if (node === from) continue
      if (this.#random.chance(this.#loss)) this.lost += 1
      else this.held.push(() => onEntry(entry))
    }
  }
}

export async function world(seed: number, loss: number) {
  const random = new Random(seed)
  const hub = new Hub(random, loss)
  const { store } = hub
  await store.createChat({ id: chatId, ownerId: 'u', title: 't', system: null, createdAt: 1 }, 'line')
  await store.startRun({
    userMessage: null,
    lineage: 'line',
    assistant: {
      id: messageId,
      chatId,
      parentId: null,
      createdAt: 1,
      taskId: 'task_1',
      userId: 'u',
      node: 'local',
      status: 'queued',
      request: null,
    },
  })
  const nodes = ['a', 'b', 'c'].map(
    (node) => new Rooms({ cluster: hub.cluster(node), flushMs: 1, now: Date.now, onEvict: async () => {} }),
  )
  return { random, hub, store, nodes }
}

export const turn = () => new Promise((resolve) => setImmediate(resolve))
export const flush = (rooms: Rooms, room: Room) => new Promise<void>((written) => rooms.flusher.flushNow(room, written))

/** The message's room on a node, which writes it from now on. */
export async function writes(rooms: Rooms, store: Store): Promise<{ room: Room; writer: MessageWriter }> {
  const room = (await rooms.open(messageId))!
  const writer = new MessageWriter(room.doc, await store.drawEpoch(messageId))
  rooms.attach(room, writer)
  return { room, writer }
}

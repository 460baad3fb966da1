import { onTestFinished } from 'vitest'
import type { Cluster, LogContents } from '../../server/cluster/cluster.ts'
import { bytes, text } from '../store/records.ts'

/**
 * Stands for a document: a set of items, which updates add. As with Yjs, an
 * update may be applied twice and a state holds everything.
 */
export type Items = Set<string>

export function itemsOf(contents: LogContents): Items {
  const parts = [...(contents.state ? [contents.state] : []), ...contents.updates]
  return new Set(parts.flatMap((part) => text(part)!.split(',')).filter((item) => item !== ''))
}

export const stateOf = (items: Items) => bytes([...items].join(','))

/** As a room writes: one append at a time, its whole state where the log has lost something. */
export class Writer {
  readonly cluster: Cluster
  readonly doc: string
  readonly epoch: number
  items: Items = new Set()
  /** What was shown: it must never be lost. */
  readonly shown: Items = new Set()
  seq = 0
  restored = 0
  isFenced = false

  constructor(cluster: Cluster, doc: string, epoch: number) {
    this.cluster = cluster
    this.doc = doc
    this.epoch = epoch
  }

  /** Reads the log until no other writer can follow behind what was read. */
  async takeOver(): Promise<void> {
    for (;;) {
      const contents = (await this.cluster.log.read(this.doc))!
      this.items = itemsOf(contents)
      this.seq = contents.seq
      const [result] = await this.cluster.log.append([
        { doc: this.doc, epoch: this.epoch, previousSeq: this.seq, updates: [] },
      ])
      if (result!.status === 'ok') return
      if (result!.status === 'fenced') {
        this.isFenced = true
        return
      }
    }
  }

  async write(item: string): Promise<void> {
    this.items.add(item)
    let [result] = await this.cluster.log.append([
      { doc: this.doc, epoch: this.epoch, previousSeq: this.seq, updates: [bytes(item)] },
    ])
    if (result!.status === 'gap') {
      this.restored += 1
      result = await this.cluster.log.restore!(this.doc, this.epoch, this.seq, stateOf(this.items))
    }
    if (result!.status === 'ok') {
      this.seq = result!.seq
      for (const shown of this.items) this.shown.add(shown)
    } else {
      this.isFenced = true
    }
  }

  async compact(): Promise<void> {
    await this.cluster.log.compact(this.doc, this.epoch, this.seq, stateOf(this.items))
  }
}

/** As a room follows: subscribes, then reads; reads again where a number is missing, and compares numbers now and then. */
export class Follower {
  readonly items: Items = new Set()
  /** Numbers that were applied as they were heard. */
  readonly heard: number[] = []
  seq = -1
  readonly #cluster: Cluster
  readonly #doc: string
  #stop: (() => void) | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(cluster: Cluster, doc: string) {
    this.#cluster = cluster
    this.#doc = doc
  }

  async start(compareMs: number): Promise<void> {
    this.#stop ??= await this.#cluster.follow(this.#doc, (entry) => {
      if (this.seq >= 0 && entry.seq === this.seq + 1) {
        this.seq = entry.seq
        this.heard.push(entry.seq)
        this.#add(new Set(entry.updates.flatMap((update) => text(update)!.split(','))))
      }
    })
    onTestFinished(() => this.stop())
    await this.#read()
    this.#timer = setInterval(() => void this.#compare().catch(() => {}), compareMs)
  }

  stop(): void {
    this.#stop?.()
    if (this.#timer) clearInterval(this.#timer)
    this.#stop = this.#timer = null
  }

  async #compare(): Promise<void> {
    const [head] = await this.#cluster.heads([this.#doc])
    if (head?.seq !== this.seq) await this.#read()
  }

  async #read(): Promise<void> {
    const contents = (await this.#cluster.log.read(this.#doc))!
    // What was heard meanwhile is in it or newer.
    this.seq = Math.max(this.seq, contents.seq)
    this.#add(itemsOf(contents))
  }

  #add(items: Items): void {
    for (const item of items) this.items.add(item)
  }
}

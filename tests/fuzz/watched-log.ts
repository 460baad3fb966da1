import * as Y from 'yjs'
import { RunnelError } from '../../shared/errors.ts'
import { digestOf } from '../../shared/digest.ts'
import { readDocument, type Chat, type Message } from '../../shared/schema.ts'
import type { LogAppend, LogResult, UpdateLog } from '../../server/cluster/cluster.ts'

/** All keys that a message or a chat may hold: with such a list, JSON has one order and is made natively. */
const keys = [
  'id',
  'chatId',
  'parentId',
  'role',
  'model',
  'taskId',
  'status',
  'createdAt',
  'startedAt',
  'firstTokenAt',
  'endedAt',
  'finishReason',
  'usage',
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'reasoningTokens',
  'cachedTokens',
  'error',
  'code',
  'message',
  'retryable',
  'schema',
  'output',
  'type',
  'text',
  'annotations',
  'origin',
  'callId',
  'name',
  'arguments',
  'progress',
  'executor',
  'url',
  'title',
  'snippet',
  'sourceType',
  'mimeType',
  'size',
  'done',
  'start',
  'end',
  'chat',
  'messages',
  'files',
]

/** Equal for equal canonical JSON; a tenth of the cost of its digest. */
export function fingerprint(json: Message | Chat): string {
  return JSON.stringify(json, keys)
}

const digests = new Map<string, string>()

/** The digest; remembered, as twenty viewers ask for the same ones. */
export function quickDigest(json: Message | Chat): string {
  const form = fingerprint(json)
  let digest = digests.get(form)
  if (digest === undefined) {
    digest = digestOf(json)
    if (digests.size >= 20) digests.clear()
    digests.set(form, digest)
  }
  return digest
}

interface Kept {
  doc: Y.Doc
  /** Fingerprints of every state that the log has ever had, update by update. */
  states: Set<string>
}

/**
 * All logs of one test, seen from outside: a replica of each document that
 * takes each update at the moment at which the log takes it. What any viewer
 * holds must be one of its states (P1).
 */
export class LogWatch {
  readonly #documents = new Map<string, Kept>()
  appends = 0
  compactions = 0

  #kept(id: string): Kept {
    let kept = this.#documents.get(id)
    if (!kept) {
      const doc = new Y.Doc()
      kept = { doc, states: new Set([fingerprint(readDocument(id, doc))]) }
      this.#documents.set(id, kept)
    }
    return kept
  }

  took(id: string, updates: readonly Uint8Array[]): void {
    const kept = this.#kept(id)
    this.appends++
    for (const update of updates) {
      Y.applyUpdate(kept.doc, update)
      kept.states.add(fingerprint(readDocument(id, kept.doc)))
    }
  }

  hadState(id: string, json: Message | Chat): boolean {
    return this.#kept(id).states.has(fingerprint(json))
  }

  json(id: string): Message | Chat {
    return readDocument(id, this.#kept(id).doc)
  }
}

type Answer = () => void

/**
 * The log as one process sees it. `later`: it answers only when told, so that
 * appends are in flight; their answers come in order. A log that is `dead`
 * belongs to a process that was killed.
 */
export class ProcessLog implements UpdateLog {
  readonly #log: UpdateLog
  readonly #watch: LogWatch
  readonly later: boolean
  readonly #landing: Answer[] = []
  readonly #answering: Answer[] = []
  dead = false
  /** The next append writes nothing and says so. */
  failNext = false
  /** Results other than `ok`. */
  refused = 0

  constructor(log: UpdateLog, watch: LogWatch, later: boolean) {
    this.#log = log
    this.#watch = watch
    this.later = later
  }

  append(entries: readonly LogAppend[]): LogResult[] | Promise<LogResult[]> {
    if (this.dead) return new Promise(() => {})
    const failure = this.failNext ? new RunnelError('store_unavailable', 'The log takes no writes now.') : null
    this.failNext = false
    if (!this.later) {
      if (failure) throw failure
      return this.#write(entries)
    }
    // Own copies: the caller may change its list while we wait.
    const copies = entries.map((entry) => ({ ...entry, updates: entry.updates.map((update) => update.slice()) }))
    return new Promise((resolve, reject) => {
      this.#landing.push(() => {
        if (failure) {
          this.#answering.push(() => reject(failure))
          return
        }
        const results = this.#write(copies)
        this.#answering.push(() => resolve(results))
      })
    })
  }

  async read(doc: string) {
    return await this.#log.read(doc)
  }

  compact(doc: string, epoch: number, seq: number, state: Uint8Array): void {
    if (this.dead) return
    this.#watch.compactions++
    void this.#log.compact(doc, epoch, seq, state)
  }

  get waiting(): number {
    return this.#landing.length + this.#answering.length
  }

  /** The oldest append reaches the log; nobody has heard of it yet. */
  land(): void {
    this.#landing.shift()?.()
  }

  answer(): void {
    this.#answering.shift()?.()
  }

  #write(entries: readonly LogAppend[]): LogResult[] {
    const results = this.#log.append(entries) as LogResult[]
    results.forEach((result, i) => {
      if (result.status === 'ok') this.#watch.took(entries[i]!.doc, entries[i]!.updates)
      else this.refused++
    })
    return results
  }
}

import { RunnelError } from '../../../shared/errors.ts'
import type { LogContents, UpdateLog } from '../../cluster/cluster.ts'

interface MemoryDocument {
  lineage: string
  epoch: number
  isReleased: boolean
  seq: number
  compactedSeq: number
  state: Uint8Array | null
  entries: { seq: number; updates: Uint8Array[] }[]
}

/** Documents with their epochs and logs, in memory. */
export interface MemoryDocuments {
  readonly log: UpdateLog
  has(id: string): boolean
  create(id: string, lineage: string, epoch: number): void
  delete(id: string): void
  isNewest(id: string, epoch: number): boolean
  /** The state takes the place of the log. */
  finish(id: string, state: Uint8Array): void
  drawEpoch(id: string): Promise<number>
  releaseEpoch(id: string, epoch: number): Promise<void>
}

export function memoryDocuments(): MemoryDocuments {
  const documents = new Map<string, MemoryDocument>()

  function replace(document: MemoryDocument, seq: number, state: Uint8Array): void {
    document.entries = document.entries.filter((entry) => entry.seq > seq)
    document.compactedSeq = seq
    document.state = new Uint8Array(state)
  }

  const log: UpdateLog = {
    append: (entries) =>
      entries.map((entry) => {
        const document = documents.get(entry.doc)
        if (!document || (entry.shared ? document.epoch < entry.epoch : document.epoch !== entry.epoch))
          return { status: 'fenced' }
        if (!entry.shared && document.seq !== entry.previousSeq) return { status: 'gap', seq: document.seq }
        if (entry.updates.length > 0) {
          document.entries.push({ seq: ++document.seq, updates: entry.updates.map((update) => new Uint8Array(update)) })
        }
        return { status: 'ok', seq: document.seq }
      }),
    read: async (id): Promise<LogContents | null> => {
      const document = documents.get(id)
      if (!document) return null
      const { lineage, epoch, seq, state, entries } = document
      return structuredClone({ lineage, epoch, seq, state, updates: entries.flatMap((entry) => entry.updates) })
    },
    compact(id, epoch, seq, state, shared = false) {
      const document = documents.get(id)
      if (!document || (!shared && document.epoch !== epoch) || seq > document.seq || seq < document.compactedSeq)
        return
      replace(document, seq, state)
    },
  }

  return {
    log,
    has: (id) => documents.has(id),
    create(id, lineage, epoch) {
      documents.set(id, { lineage, epoch, isReleased: false, seq: 0, compactedSeq: 0, state: null, entries: [] })
    },
    delete(id) {
      documents.delete(id)
    },
    isNewest: (id, epoch) => documents.get(id)?.epoch === epoch,
    finish(id, state) {
      const document = documents.get(id)
      if (document) replace(document, document.seq, state)
    },
    async drawEpoch(id) {
      const document = documents.get(id)
      if (!document) throw new RunnelError('not_found', `There is no document ${id}.`)
      if (!document.isReleased) document.epoch++
      document.isReleased = false
      return document.epoch
    },
    async releaseEpoch(id, epoch) {
      const document = documents.get(id)
      if (document && document.epoch === epoch && epoch > 0) document.isReleased = true
    },
  }
}

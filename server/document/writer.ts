import type * as Y from 'yjs'
import type { MessageChange } from '../../shared/events.ts'
import { encodeTransaction } from './encoder.ts'

/** The door through which a document changes: edits collect, `commit` writes them. */
export interface DocumentWriter {
  readonly epoch: number
  /** Something waits for `commit`. */
  readonly dirty: boolean
  /** Called at every edit; `urgent` is one that readers should see at once. */
  onEdit: (urgent: boolean) => void
  /**
   * Writes all that collected, in as few transactions as Yjs allows, and
   * returns their updates in order: one entry of the log. Puts what it wrote
   * into `changes`, if somebody wants to know.
   */
  commit(changes?: MessageChange[]): Uint8Array[]
  /** The last commit removed text that was shown before. */
  readonly rewrites: boolean
}

/** Runs transactions on a document under given client ids and hands out each one's update. Between them it leaves nothing on the document. */
export class Transactor {
  readonly #doc: Y.Doc

  constructor(doc: Y.Doc) {
    this.#doc = doc
  }

  /** The update of what `edit` did; null if it changed nothing. */
  run(clientId: number, edit: () => void): Uint8Array | null {
    let update: Uint8Array | null = null
    const encode = (transaction: Y.Transaction) => {
      update = encodeTransaction(transaction)
    }
    this.#doc.clientID = clientId
    this.#doc.on('afterTransaction', encode)
    try {
      this.#doc.transact(edit)
    } finally {
      this.#doc.off('afterTransaction', encode)
    }
    return update
  }
}

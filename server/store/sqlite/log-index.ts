/** Where one document's entries are in the table `updates`, and what an append is judged by. */
export interface DocumentRows {
  /** The document's key in the tables. */
  readonly number: number
  readonly id: string
  epoch: number
  /** Text that was shown has been removed: its rows must not outlive the next compaction. */
  rewritten: boolean
  /** The first sequence number that is not in the document's state. */
  firstSeq: number
  /** `ids[i]` is the row of entry `firstSeq + i`, `sizes[i]` its bytes. */
  ids: number[]
  sizes: number[]
  /** Rows of older entries that are still in the file: their bytes by row id. */
  readonly dead: Map<number, number>
}

/** The last sequence number of a document. */
export function lastSeq(rows: DocumentRows): number {
  return rows.firstSeq + rows.ids.length - 1
}

/**
 * The rows of the table `updates` in memory, so that an append reads nothing:
 * this process has the file for itself. A document is in it while it has a row
 * in the file. Every change is undone if the transaction that it is part of is
 * rolled back: memory is never ahead of the file.
 */
export class LogIndex {
  readonly #onRollback: (undo: () => void) => void
  readonly #byId = new Map<string, DocumentRows>()
  readonly #byNumber = new Map<number, DocumentRows>()
  #liveBytes = 0
  #deadBytes = 0

  constructor(onRollback: (undo: () => void) => void) {
    this.#onRollback = onRollback
  }

  /** How many documents have rows. */
  get size(): number {
    return this.#byId.size
  }

  /** Bytes of entries that are not in a state yet. */
  get liveBytes(): number {
    return this.#liveBytes
  }

  /** Bytes of entries whose document has a newer state. */
  get deadBytes(): number {
    return this.#deadBytes
  }

  get(id: string): DocumentRows | undefined {
    return this.#byId.get(id)
  }

  ofNumber(number: number): DocumentRows | undefined {
    return this.#byNumber.get(number)
  }

  /** All dead rows in the order of the file. */
  deadRows(): { id: number; rows: DocumentRows }[] {
    return [...this.#byId.values()]
      .flatMap((rows) => [...rows.dead.keys()].map((id) => ({ id, rows })))
      .sort((a, b) => a.id - b.id)
  }

  /** A row that is in the file already; a document's rows come in the order of their numbers. */
  load(rows: DocumentRows, seq: number, id: number, size: number): void {
    if (seq < rows.firstSeq) {
      rows.dead.set(id, size)
      this.#deadBytes += size
    } else {
      rows.ids.push(id)
      rows.sizes.push(size)
      this.#liveBytes += size
    }
    this.#keep(rows)
  }

  /** The next entry was written as this row. */
  append(rows: DocumentRows, id: number, size: number): void {
    rows.ids.push(id)
    rows.sizes.push(size)
    this.#liveBytes += size
    this.#keep(rows)
    this.#onRollback(() => {
      rows.ids.pop()
      rows.sizes.pop()
      this.#liveBytes -= size
      this.#keep(rows)
    })
  }

  /** The row of a live entry got another id. */
  move(rows: DocumentRows, seq: number, id: number): void {
    const index = seq - rows.firstSeq
    const before = rows.ids[index]!
    rows.ids[index] = id
    this.#onRollback(() => {
      rows.ids[index] = before
    })
  }

  /** A state holds everything up to `seq`: those rows are dead. */
  compact(rows: DocumentRows, seq: number): void {
    const { firstSeq, ids, sizes } = rows
    const count = seq + 1 - firstSeq
    let bytes = 0
    for (let i = 0; i < count; i++) {
      rows.dead.set(ids[i]!, sizes[i]!)
      bytes += sizes[i]!
    }
    rows.firstSeq = seq + 1
    rows.ids = ids.slice(count)
    rows.sizes = sizes.slice(count)
    this.#liveBytes -= bytes
    this.#deadBytes += bytes
    this.#onRollback(() => {
      for (let i = 0; i < count; i++) rows.dead.delete(ids[i]!)
      Object.assign(rows, { firstSeq, ids, sizes })
      this.#liveBytes += bytes
      this.#deadBytes -= bytes
    })
  }

  /** A dead row is no longer in the file. */
  remove(rows: DocumentRows, id: number): void {
    const size = rows.dead.get(id)
    if (size === undefined) return
    rows.dead.delete(id)
    this.#deadBytes -= size
    this.#keep(rows)
    this.#onRollback(() => {
      rows.dead.set(id, size)
      this.#deadBytes += size
      this.#keep(rows)
    })
  }

  set(rows: DocumentRows, fields: Partial<Pick<DocumentRows, 'epoch' | 'rewritten'>>): void {
    const { epoch, rewritten } = rows
    Object.assign(rows, fields)
    this.#onRollback(() => {
      Object.assign(rows, { epoch, rewritten })
    })
  }

  #keep(rows: DocumentRows): void {
    if (rows.ids.length > 0 || rows.dead.size > 0) {
      this.#byId.set(rows.id, rows)
      this.#byNumber.set(rows.number, rows)
    } else {
      this.#byId.delete(rows.id)
      this.#byNumber.delete(rows.number)
    }
  }
}

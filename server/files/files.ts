/** The port to the bytes of attached and generated files. What they are called and whose they are stands in the store. */

export interface Stored {
  size: number
  /** The first bytes, enough to tell what they are. */
  head: Uint8Array
  /** All of it is text in UTF-8, without NUL. */
  isText: boolean
}

export interface Files {
  /**
   * Keeps what a stream brings, under an id that this server made. All or
   * nothing: throws `too_large` at `maxBytes`, `store_unavailable`, or what the
   * stream throws.
   */
  write(id: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Stored>
  /** All of it, or the first bytes; null for an unknown id. Throws `store_unavailable`. */
  read(id: string, maxBytes?: number): Promise<Uint8Array | null>
  /** As it comes from the disk; null for an unknown id. */
  stream(id: string): Promise<AsyncIterable<Uint8Array> | null>
  /** Whole or half written; those that are gone already are no error. Throws `store_unavailable`. */
  remove(ids: readonly string[]): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}

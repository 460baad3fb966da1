import type { Client, RunnelError } from '@runnel/client'
import { newKey } from './keys.ts'

export type AttachmentState =
  | { readonly status: 'chosen' }
  /** `sent`: the uploaded share, from 0 to 1. */
  | { readonly status: 'uploading'; readonly sent: number }
  | { readonly status: 'ready' }
  | { readonly status: 'failed'; readonly error: RunnelError }

/** Files are uploaded one after the other. */
let line: Promise<unknown> = Promise.resolve()

/** A file that goes with a question. It is uploaded once. */
export class Attachment {
  readonly key = newKey()
  readonly file: File
  #state: AttachmentState = { status: 'chosen' }
  #upload: Promise<string> | null = null
  readonly #gone = new AbortController()
  readonly #listeners = new Set<() => void>()

  constructor(file: File) {
    this.file = file
  }

  readonly getState = (): AttachmentState => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Its id on the server, once it is there. Throws RunnelError; the next call tries again. */
  upload(client: Client, chatId: string): Promise<string> {
    if (this.#upload) return this.#upload
    this.#show({ status: 'uploading', sent: 0 })
    const { signal } = this.#gone
    const upload = line.then(async () => {
      signal.throwIfAborted()
      const onProgress = (sent: number) => this.#show({ status: 'uploading', sent })
      return (await client.api.uploadFile(chatId, this.file, { name: this.file.name, signal, onProgress })).id
    })
    this.#upload = upload
    line = upload.then(
      () => this.#show({ status: 'ready' }),
      (error: RunnelError) => {
        this.#upload = null
        this.#show({ status: 'failed', error })
      },
    )
    return upload
  }

  /** It is not wanted any more. */
  leave(): void {
    this.#gone.abort()
  }

  #show(state: AttachmentState): void {
    if (this.#gone.signal.aborted) return
    this.#state = state
    for (const listener of this.#listeners) listener()
  }
}

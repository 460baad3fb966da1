import type { Pace } from './pace.ts'

export interface LabSocketOptions {
  pace: Pace
  sent: (bytes: number, text?: string) => void
  came: (bytes: number, text?: string) => void
  /** What is made of binary frames that come. */
  taken: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>
  ended: () => void
}

const closed = 3

/** As much of a WebSocket as the client uses, around another one; null: it cannot be opened. */
export class LabSocket extends EventTarget {
  binaryType: BinaryType = 'arraybuffer'
  readonly #inner: WebSocket | null
  readonly #options: LabSocketOptions
  /** What has come and waits for its turn, in its order. */
  #before = Promise.resolve()
  #waiting = 0
  #isOver = false

  constructor(inner: WebSocket | null, options: LabSocketOptions) {
    super()
    this.#inner = inner
    this.#options = options
    if (!inner) {
      queueMicrotask(() => this.#end(1006, ''))
      return
    }
    inner.binaryType = 'arraybuffer'
    inner.addEventListener('open', () => this.dispatchEvent(new Event('open')))
    inner.addEventListener('message', ({ data }) => this.#came(data as string | ArrayBuffer))
    inner.addEventListener('close', ({ code, reason }) => this.#inTurn(0, () => this.#end(code, reason)))
  }

  get readyState(): number {
    return this.#isOver ? closed : this.#inner!.readyState
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.#isOver) return
    if (typeof data === 'string') this.#options.sent(data.length, data)
    else this.#options.sent(data.length)
    this.#inner!.send(data)
  }

  close(code?: number): void {
    this.#inner?.close(code)
  }

  /** Without a word, as when the line is gone. */
  break(): void {
    this.#end(1006, '')
    this.#inner?.close()
  }

  #came(data: string | ArrayBuffer): void {
    const length = typeof data === 'string' ? data.length : data.byteLength
    this.#inTurn(length, () => {
      if (typeof data === 'string') {
        this.#options.came(length, data)
        this.dispatchEvent(new MessageEvent('message', { data }))
      } else {
        this.#options.came(length)
        this.dispatchEvent(new MessageEvent('message', { data: this.#options.taken(new Uint8Array(data)).buffer }))
      }
    })
  }

  /** At once, unless it is read slowly, or something waits before it. */
  #inTurn(bytes: number, work: () => void): void {
    const { pace } = this.#options
    const perform = () => {
      if (!this.#isOver) work()
    }
    if (this.#waiting === 0 && !pace.isSlow) return perform()
    this.#waiting++
    this.#before = this.#before
      .then(() => pace.take(bytes))
      .then(() => {
        this.#waiting--
        perform()
      })
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.ended()
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }))
  }
}

import { isDeepStrictEqual } from 'node:util'
import { isTerminal, type Message } from '../../shared/schema.ts'
import type { SeenFrame } from '../collector.ts'
import type { Line } from '../line.ts'
import { openView, type View, type ViewerTransport } from './view.ts'

/** Each wait ends after so long, unless it is told otherwise. */
export const deadlines = { sees: 10_000, ended: 30_000, back: 10_000 }
const backMs = 50

export interface ViewerTarget {
  messageId: string
  /** Who looks; null: nobody who has signed in. */
  as: string | null
  transport: ViewerTransport
  /** The viewer's own line to the server. */
  line: Line
}

/** What a viewer needs of its world. */
export interface ViewerWorld {
  /** The message as the server has it, for this person; null where it is not theirs to see. */
  read(messageId: string, as: string | null): Promise<Message | null>
  /** What the provider was asked, a line each. */
  asked(): string[]
  another(target: Omit<ViewerTarget, 'line'>): Promise<Viewer>
}

/**
 * Somebody who looks at one message, as a tab does: over a line of their own, that can be cut. A wait fails at once when
 * the viewer is refused, or differs from the server; what it says then is all that is known.
 */
export class Viewer {
  readonly messageId: string
  readonly as: string | null
  readonly transport: ViewerTransport
  /** The line to the server: for delays, bandwidth, and all else that `cut` and `pause` are too simple for. */
  readonly line: Line
  /** All that came and went, over all its connections. */
  readonly frames: SeenFrame[] = []
  readonly #world: ViewerWorld
  readonly #bornAt = performance.now()
  readonly #waiters = new Set<() => void>()
  #view: View
  #isClosed = false
  /** How many connections there were. */
  #opened = 0
  #comingBack: ReturnType<typeof setTimeout> | undefined

  constructor({ messageId, as, transport, line }: ViewerTarget, world: ViewerWorld) {
    this.messageId = messageId
    this.as = as
    this.transport = transport
    this.line = line
    this.#world = world
    this.#view = this.#open(null)
  }

  /** The message as this viewer has it; null before anything has come. */
  get message(): Message | null {
    return this.#view.message
  }

  /** The text of all its text blocks. */
  get text(): string {
    return textOf(this.message)
  }

  /** Bytes of all frames that came. */
  get bytes(): number {
    return this.frames.reduce((sum, { direction, bytes }) => sum + (direction === 'in' ? bytes : 0), 0)
  }

  /** Waits until this text is in it, this pattern fits, or this holds of the message. */
  async sees(what: string | RegExp | ((message: Message) => boolean), deadlineMs = deadlines.sees): Promise<Message> {
    const holds = (message: Message) =>
      typeof what === 'function'
        ? what(message)
        : typeof what === 'string'
          ? textOf(message).includes(what)
          : what.test(textOf(message))
    const named =
      typeof what === 'function'
        ? 'what was waited for'
        : typeof what === 'string'
          ? JSON.stringify(what)
          : String(what)
    return await this.#until(holds, `see ${named}`, deadlineMs)
  }

  /**
   * Waits until the run has ended, that of `taskId` where it is named (a Continue is a later one), and compares the copy with
   * what the server has. Resolves with the message.
   */
  async ended({
    taskId,
    deadlineMs = deadlines.ended,
  }: { taskId?: string; deadlineMs?: number } = {}): Promise<Message> {
    const isOver = (message: Message) =>
      isTerminal(message.status) && (taskId === undefined || message.taskId === taskId)
    await this.#until(isOver, `see the end${taskId === undefined ? '' : ` of ${taskId}`}`, deadlineMs)
    const there = await this.#world.read(this.messageId, this.as)
    const message = this.message!
    // Where another run has begun meanwhile, the copy is on its way.
    if (there && there.taskId === message.taskId && isTerminal(there.status) && !isDeepStrictEqual(there, message))
      throw this.#fault(`has another copy than the server, which has ${JSON.stringify(there)}`)
    return message
  }

  /** Its line is cut, without a word; it comes back by itself and goes on with its copy. Resolves when it is there again. */
  async cut(): Promise<void> {
    await this.#comeBack(this.#view, async () => this.line.cut())
  }

  /** It is loaded anew: nothing is kept. Resolves when it is there again. */
  async refresh(): Promise<void> {
    await this.#comeBack(null, () => this.#view.close())
  }

  /** It reads nothing until `resume`: what it does not take waits with the server. */
  pause(): void {
    this.line.pause()
  }

  resume(): void {
    this.line.resume()
  }

  /** Another viewer of the same person, message and transport. */
  async secondTab(): Promise<Viewer> {
    const { messageId, as, transport } = this
    return await this.#world.another({ messageId, as, transport })
  }

  /** Waits until it has what the server had when it came. */
  async there(deadlineMs = deadlines.back): Promise<this> {
    await this.#until(() => this.#view.isThere, 'get its first state', deadlineMs)
    return this
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#comingBack)
    await this.#view.close()
    await this.line.close()
    this.#changed()
  }

  #open(from: View | null): View {
    const opened = ++this.#opened
    const target = { url: this.line.url, token: this.as ?? undefined, messageId: this.messageId }
    return openView(this.transport, target, from, {
      onFrame: (frame) => this.frames.push(frame),
      onChange: () => opened === this.#opened && this.#changed(),
    })
  }

  async #comeBack(from: View | null, leave: () => Promise<void>): Promise<void> {
    clearTimeout(this.#comingBack)
    // What the old one says is not heard any more.
    this.#opened += 1
    await leave()
    this.#view = this.#open(from)
    await this.there()
  }

  #changed(): void {
    this.#comeBackInTime()
    for (const wake of this.#waiters) wake()
  }

  /** As every client does, and stock providers do: it comes back where that is of use. */
  #comeBackInTime(): void {
    const { end } = this.#view
    if (!end || end.refused || this.#isClosed || (end.over && this.#waiters.size === 0)) return
    clearTimeout(this.#comingBack)
    this.#comingBack = setTimeout(() => {
      this.#view = this.#open(this.#view)
    }, backMs)
  }

  async #until(holds: (message: Message) => boolean, what: string, deadlineMs: number): Promise<Message> {
    const deadline = performance.now() + deadlineMs
    for (;;) {
      const { message, end, divergence } = this.#view
      if (divergence) throw this.#fault(`cannot ${what}. ${divergence}`)
      if (message && holds(message)) return message
      if (this.#isClosed) throw this.#fault(`is closed and cannot ${what}`)
      if (end?.refused) throw this.#fault(`cannot ${what}. ${end.words}`)
      const leftMs = deadline - performance.now()
      if (leftMs <= 0)
        throw this.#fault(`did not ${what} within ${deadlineMs.toLocaleString('en')} ms${end ? `. ${end.words}` : ''}`)
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          this.#waiters.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, leftMs)
        this.#waiters.add(wake)
        if (end?.over) this.#comeBackInTime()
      })
    }
  }

  /** An error that says all that is known: status, text, the last frames, what the provider was asked. */
  #fault(words: string): Error {
    const { message } = this
    const has = message
      ? `It has the status ${message.status} and the text ${JSON.stringify(shortened(textOf(message)))}.`
      : 'Nothing has come.'
    const frames = this.frames
      .slice(-10)
      .map(
        ({ at, direction, bytes, words }) => `  ${Math.round(at - this.#bornAt)} ms ${direction} ${bytes} B ${words}`,
      )
    const asked = this.#world.asked().map((line) => `  ${line}`)
    return new Error(
      [
        `The viewer ${this.as ?? '(nobody)'} of ${this.messageId} over ${this.transport} ${words}.`,
        has,
        `Its last frames, of ${this.frames.length}:`,
        ...(frames.length > 0 ? frames : ['  none']),
        'The provider was asked:',
        ...(asked.length > 0 ? asked : ['  nothing']),
      ].join('\n'),
    )
  }
}

function textOf(message: Message | null): string {
  return (message?.output ?? []).map((block) => (block.type === 'text' ? block.text : '')).join('')
}

function shortened(text: string): string {
  return text.length > 400 ? `… ${text.slice(-400)}` : text
}

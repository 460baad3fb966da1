import type { Client, Message, MessageChange } from '@runnel/client'
import type { Lab, Seen } from '@runnel/client/lab'
import { deltaBytes, wholeBytes } from './costs.ts'

/** The length of an answer, and the bytes received until then. */
export interface Point {
  readonly text: number
  readonly runnel: number
  /** If each update were a JSON event, as other servers send it. */
  readonly deltas: number
  /** If each update were the whole message. */
  readonly whole: number
}

export interface Figures {
  readonly points: readonly Point[]
  readonly last: Point
  /** In the last second. */
  readonly frames: number
  /** The median time from a frame's arrival until it was painted, ms. */
  readonly paintMs: number | null
  readonly stateVector: number | null
  readonly checkpoint: 'none' | 'equal' | 'differs' | 'mended'
  /** How often this tab read too slowly and was brought up to date by one difference. */
  readonly caughtUp: number
}

/** With more points, every second one is removed. */
const maxPoints = 400
const keptPaints = 50
/** After a checkpoint that differs, the client loads the document again at once. */
const reloadMs = 300

const nothing: Point = { text: 0, runnel: 0, deltas: 0, whole: 0 }
const none: Figures = {
  points: [nothing],
  last: nothing,
  frames: 0,
  paintMs: null,
  stateVector: null,
  checkpoint: 'none',
  caughtUp: 0,
}

/** Measures what one answer costs on the wire, from when the panel opens. Fits `useSyncExternalStore`. */
export class WireFigures {
  readonly #client: Client
  readonly #messageId: string
  readonly #lab: Lab
  readonly #listeners = new Set<() => void>()
  #figures = none
  #frameTimes: number[] = []
  #paints: number[] = []
  #checkedAt = -Infinity
  #stops: (() => void)[] = []
  #drawing = 0
  /** The length of the text that was there before. */
  #before: number | null = null

  constructor(client: Client, lab: Lab, messageId: string) {
    this.#client = client
    this.#lab = lab
    this.#messageId = messageId
  }

  readonly getSnapshot = (): Figures => this.#figures

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#start()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) for (const stop of this.#stops.splice(0)) stop()
    }
  }

  #start(): void {
    const message = this.#client.message(this.#messageId)
    this.#before ??= textLength(message.getSnapshot().message)
    const clock = setInterval(() => this.#change({}), 500)
    this.#stops = [
      this.#lab.watch((seen) => this.#saw(seen)),
      message.subscribe((change) => this.#grew(change, message.getSnapshot().message)),
      () => clearInterval(clock),
      () => {
        cancelAnimationFrame(this.#drawing)
        this.#drawing = 0
      },
    ]
  }

  #saw({ way, bytes, at, text }: Seen): void {
    const control = text === undefined ? null : controlOf(text)
    if (way === 'out') {
      if (control?.type === 'subscribe' && at - this.#checkedAt < reloadMs) this.#change({ checkpoint: 'differs' })
      return
    }
    const { last, checkpoint, caughtUp } = this.#figures
    this.#change({ last: { ...last, runnel: last.runnel + bytes } })
    if (!control) {
      this.#frameTimes.push(at)
      this.#measurePaint(at)
    } else if (control.type === 'caughtUp') this.#change({ caughtUp: caughtUp + 1 })
    else if (control.type === 'checkpoint') {
      this.#checkedAt = at
      const wasWrong = checkpoint === 'differs' || checkpoint === 'mended'
      this.#change({ checkpoint: wasWrong ? 'mended' : 'equal', stateVector: entriesOf(control.stateVector) })
    }
  }

  #grew({ texts }: MessageChange, message: Message | null): void {
    if (texts.length === 0 || !message) return
    const { last } = this.#figures
    const length = textLength(message)
    const text = Math.max(0, length - this.#before!)
    const added = texts.reduce((sum, change) => sum + deltaBytes(change.text), 0)
    const point = { ...last, text, deltas: last.deltas + added, whole: last.whole + wholeBytes(length) }
    const points = [...this.#figures.points, point]
    this.#change({ last: point, points: points.length > maxPoints ? points.filter((_, i) => i % 2 === 0) : points })
  }

  /** The time until the browser has painted it: the next frame, and the task after that. */
  #measurePaint(at: number): void {
    if (document.visibilityState === 'hidden') return
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.#paints = [...this.#paints.slice(1 - keptPaints), performance.now() - at]
        this.#change({ paintMs: this.#paints.toSorted((a, b) => a - b)[this.#paints.length >> 1]! })
      }),
    )
  }

  #change(change: Partial<Figures>): void {
    const now = performance.now()
    this.#frameTimes = this.#frameTimes.filter((at) => now - at < 1_000)
    this.#figures = { ...this.#figures, ...change, frames: this.#frameTimes.length }
    // Listeners are told at most once a frame.
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0
      for (const listener of this.#listeners) listener()
    })
  }
}

const textLength = (message: Message | null) =>
  message?.output.reduce((sum, block) => sum + ('text' in block ? block.text.length : 0), 0) ?? 0

interface Control {
  type?: string
  stateVector?: string
}

function controlOf(text: string): Control | null {
  try {
    return JSON.parse(text) as Control
  } catch {
    return null
  }
}

/** How many writers a state vector names: its first number. */
function entriesOf(base64 = ''): number | null {
  const first = atob(base64.slice(0, 4)).codePointAt(0)
  return first === undefined ? null : first & 0x7f
}

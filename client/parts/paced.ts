import type { Follower, TextForm } from './growing.ts'
import { dueLength, paceMs, wholeCharacters, type Arrival } from './pace.ts'

const made = new WeakMap<TextForm<unknown>, TextForm<unknown>>()

/**
 * The same form, revealed evenly, frame by frame. What is there at first, what has ended, and an edit of what is shown are
 * shown at once; so is everything in a tab that nobody sees, for who wants less motion, and where there are no frames.
 */
export function paced<Shown>(form: TextForm<Shown>): TextForm<Shown> {
  let pacedForm = made.get(form) as TextForm<Shown> | undefined
  if (!pacedForm) made.set(form, (pacedForm = { follow: (tell) => new Paced(form.follow(tell), tell) }))
  return pacedForm
}

class Paced<Shown> implements Follower<Shown> {
  readonly #inner: Follower<Shown>
  readonly #tell: () => void
  #waiting = ''
  #arrivals: Arrival[] = []
  #lastAt = 0
  #stop: (() => void) | null = null

  constructor(inner: Follower<Shown>, tell: () => void) {
    this.#inner = inner
    this.#tell = tell
  }

  get length(): number {
    return this.#inner.length + this.#waiting.length
  }

  toString(): string {
    return this.#inner.toString() + this.#waiting
  }

  shown(): Shown {
    return this.#inner.shown()
  }

  replaceFrom(from: number, text: string): void {
    const at = from - this.#inner.length
    if (at < 0 || this.#inner.length === 0 || !mayPace()) {
      this.#showAll()
      this.#inner.replaceFrom(from, text)
      return
    }
    if (at < this.#waiting.length) this.#waitFor(at)
    if (text === '') return
    const now = performance.now()
    if (this.#arrivals.length === 0) this.#lastAt = now
    this.#waiting += text
    const dueAt = now + paceMs
    const last = this.#arrivals.at(-1)
    // What comes within one frame is one arrival.
    if (last && dueAt - last.dueAt < 8)
      this.#arrivals[this.#arrivals.length - 1] = { length: last.length + text.length, dueAt: last.dueAt }
    else this.#arrivals.push({ length: text.length, dueAt })
    this.#stop ??= onFrames((now) => this.#advance(now))
  }

  end(): void {
    this.#showAll()
    this.#inner.end()
  }

  /** Frames have stopped where `now` is null. */
  #advance(now: number | null): void {
    const before = this.#inner.shown()
    if (now === null || !mayPace()) this.#showAll()
    else {
      const due = dueLength(this.#arrivals, now, Math.max(now - this.#lastAt, 0))
      this.#lastAt = now
      this.#show(wholeCharacters(this.#waiting, due))
    }
    if (this.#inner.shown() !== before) this.#tell()
  }

  #showAll(): void {
    this.#show(this.#waiting.length)
  }

  #show(length: number): void {
    const text = this.#waiting.slice(0, length)
    if (text !== '') this.#inner.replaceFrom(this.#inner.length, text)
    this.#waiting = this.#waiting.slice(length)
    let gone = length
    this.#arrivals = this.#arrivals.flatMap((arrival) => {
      const left = arrival.length - gone
      gone = Math.max(0, -left)
      return left > 0 ? [{ ...arrival, length: left }] : []
    })
    if (this.#arrivals.length > 0) return
    this.#stop?.()
    this.#stop = null
  }

  /** Only the first `length` of what waits is still wanted. */
  #waitFor(length: number): void {
    this.#waiting = this.#waiting.slice(0, length)
    let kept = 0
    this.#arrivals = this.#arrivals.flatMap((arrival) => {
      const own = Math.min(arrival.length, length - kept)
      kept += own
      return own > 0 ? [{ ...arrival, length: own }] : []
    })
  }
}

function mayPace(): boolean {
  return (
    typeof requestAnimationFrame === 'function' &&
    typeof document === 'object' &&
    document.visibilityState === 'visible' &&
    !matchMedia('(prefers-reduced-motion: reduce)').matches
  )
}

/** Calls with the time of each frame, and with null when they stop coming. */
function onFrames(listener: (now: number | null) => void): () => void {
  let frame = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const next = () => {
    frame = requestAnimationFrame(() => tick(performance.now()))
    timer = setTimeout(() => tick(null), paceMs)
  }
  const stop = () => {
    isOver = true
    cancelAnimationFrame(frame)
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', onHidden)
  }
  let isOver = false
  const tick = (now: number | null) => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
    listener(now)
    if (!isOver) next()
  }
  const onHidden = () => tick(null)
  document.addEventListener('visibilitychange', onHidden)
  next()
  return stop
}

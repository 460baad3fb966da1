import { useState } from 'react'
import { Anchor } from './anchor.ts'
import { scrollsInside } from './scrolls-inside.ts'

/** So near to the end is at the end: browsers round. */
const nearPixels = 2
/** What was the end so lately is the end: browsers scroll by what they painted last, and it grows meanwhile. */
const latelyMs = 400
/** Who has not moved for so long reads. */
const restMs = 100
/** A finger that rests moves so much. */
const slackPixels = 3
/** A link's message stands so far below the upper edge. */
const marginPixels = 16

export interface FollowState {
  /** The reader has left the end. */
  readonly isAway: boolean
  /** So many lines have come below since. */
  readonly newLines: number
}

/**
 * Where a reader stands in what scrolls: at its end, which is followed as it grows, or at what they read, which stays where it is. They
 * leave the end by what they do, at once, and nothing brings them back but they themselves: by being at the end again.
 */
export class FollowEnd {
  readonly #listeners = new Set<() => void>()
  #state: FollowState = { isAway: false, newLines: 0 }
  #scroller: HTMLElement | null = null
  #column: HTMLElement | null = null
  /** Null: at the end. */
  #anchor: Anchor | null = null
  /** Where it stood, and how far down it went, when it was last laid out. */
  #top = 0
  #max = 0
  /** How far down it went lately, with the time of each; the first is older. */
  #ends: { max: number; at: number }[] = []
  /** The last message, and its height, when the end was left. */
  #last: Element | null = null
  #lastHeight = 0
  /** By a finger, or by its scroll bar: it stays in the hand. */
  #isHeld = false
  #touchY = 0
  /** Where the scroll bar is held, by a mouse. */
  #pressedAt: number | null = null
  #movedAt = 0
  #resting: ReturnType<typeof setTimeout> | undefined

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly getSnapshot = (): FollowState => this.#state

  get scroller(): HTMLElement | null {
    return this.#scroller
  }

  get column(): HTMLElement | null {
    return this.#column
  }

  /** How long ago the reader moved, ms. */
  get restedFor(): number {
    return performance.now() - this.#movedAt
  }

  /** For a column in what scrolls: `ref={follow.attach}`. */
  readonly attach = (column: HTMLElement | null): (() => void) | undefined => {
    if (!column) return
    const scroller = column.parentElement!
    this.#scroller = scroller
    this.#column = column
    // WebKit tells of what it has not laid out yet, too. To measure it would lay it out in the middle of being told.
    const sizes = new ResizeObserver((told) => told.some(({ contentRect }) => contentRect.width > 0) && this.#laidOut())
    sizes.observe(scroller)
    sizes.observe(column)
    const listening = new AbortController()
    const { signal } = listening
    const on = { passive: true, signal }
    scroller.addEventListener('scroll', () => this.#scrolled(), on)
    scroller.addEventListener('wheel', (event) => this.#wheeled(event), on)
    scroller.addEventListener('touchstart', (event) => this.#touched(event), on)
    scroller.addEventListener('touchmove', (event) => this.#dragged(event), on)
    for (const type of ['touchend', 'touchcancel'] as const)
      scroller.addEventListener(type, ({ touches }) => touches.length === 0 && this.#released(), on)
    scroller.addEventListener('pointerdown', (event) => this.#pressed(event), on)
    // Not all browsers tell when a scroll bar is let go.
    for (const type of ['pointerup', 'pointermove'] as const)
      addEventListener(type, (event) => event.buttons === 0 && this.#letGo(event), on)
    this.#show()
    return () => {
      sizes.disconnect()
      listening.abort()
      clearTimeout(this.#resting)
      this.#scroller = this.#column = null
    }
  }

  /** The reader goes to the end. */
  readonly toEnd = (): void => {
    this.#anchor = null
    this.#last = null
    this.#laidOut()
  }

  /** The reader goes elsewhere: nothing pulls them back. */
  readonly leave = (): void => {
    if (this.#anchor || this.#max <= nearPixels || !this.#scroller) return
    this.#leaveTo(Anchor.at(this.#scroller, this.#column!))
  }

  /** Puts this at the upper edge, and keeps it there until the reader moves. */
  readonly bring = (element: HTMLElement): void => {
    if (!this.#scroller) return
    this.#leaveTo(Anchor.of(element, marginPixels))
    this.#laidOut()
  }

  /** By so many pixels, as a key does. */
  readonly moveBy = (pixels: number): void => {
    if (!this.#scroller) return
    if (pixels < 0) this.leave()
    this.#scroller.scrollTop += pixels
  }

  #leaveTo(anchor: Anchor): void {
    this.#anchor = anchor
    this.#last = lastIn(this.#column!)
    this.#lastHeight = this.#last?.getBoundingClientRect().height ?? 0
    // What was the end before is above it now.
    this.#ends = [{ max: this.#max, at: performance.now() }]
    this.#show()
  }

  /** Something has another size, and nothing has been painted since. */
  #laidOut(): void {
    const scroller = this.#scroller
    if (!scroller) return
    const max = scroller.scrollHeight - scroller.clientHeight
    const isShorter = max < this.#max
    this.#max = max
    this.#ends.push({ max, at: performance.now() })
    if (this.#ends.length > 50) this.#ends.shift()
    // All of it is on show, or what was below the reader is gone.
    if (max <= nearPixels || (isShorter && scroller.scrollTop >= max - nearPixels)) this.#anchor = null
    if (this.#anchor) this.#anchor.hold(scroller, this.#column!)
    else if (!this.#isHeld) scroller.scrollTop = max + nearPixels
    this.#top = scroller.scrollTop
    this.#show()
  }

  #scrolled(): void {
    const scroller = this.#scroller!
    const before = this.#top
    const top = scroller.scrollTop
    if (top === before) return
    this.#top = top
    this.#movedAt = performance.now()
    if (this.#anchor) {
      if (top > before && this.#isEnd(top)) this.toEnd()
      else this.#moved()
      return
    }
    // A drag of the scroll bar, a selection, what find-in-page has found. What has become shorter moves by itself.
    const max = scroller.scrollHeight - scroller.clientHeight
    const shrunk = Math.max(0, this.#max - max)
    if (top < before - shrunk - 1 && top < max - nearPixels) this.leave()
  }

  #moved(): void {
    this.#anchor = this.#anchor!.movedIn(this.#scroller!, this.#column!)
    clearTimeout(this.#resting)
    this.#resting = setTimeout(() => {
      if (this.#anchor && this.#scroller) this.#anchor = Anchor.at(this.#scroller, this.#column!)
    }, restMs)
  }

  #wheeled({ deltaX, deltaY, ctrlKey, target }: WheelEvent): void {
    if (ctrlKey || Math.abs(deltaX) > Math.abs(deltaY) || scrollsInside(target, this.#scroller!, deltaY)) return
    this.#went(deltaY)
  }

  #touched({ touches }: TouchEvent): void {
    this.#isHeld = true
    this.#touchY = touches[0]!.clientY
  }

  #dragged({ touches, target }: TouchEvent): void {
    const { clientY } = touches[0]!
    const by = this.#touchY - clientY
    if (Math.abs(by) < slackPixels || touches.length > 1) return
    this.#touchY = clientY
    if (!scrollsInside(target, this.#scroller!, by)) this.#went(by)
  }

  #pressed({ target, offsetX, clientY, pointerType }: PointerEvent): void {
    const scroller = this.#scroller!
    if (pointerType !== 'mouse' || target !== scroller || offsetX < scroller.clientWidth) return
    this.#pressedAt = clientY
    this.#isHeld = true
    this.#freeze(true)
  }

  #letGo({ clientY }: PointerEvent): void {
    if (this.#pressedAt === null) return
    // It may have had no time to scroll.
    if (clientY < this.#pressedAt - slackPixels) this.leave()
    this.#pressedAt = null
    this.#freeze(false)
    this.#released()
  }

  /** Chromium lets go of a scroll bar when what it scrolls becomes longer. */
  #freeze(isFrozen: boolean): void {
    const { style } = this.#column!
    style.blockSize = isFrozen ? `${this.#column!.getBoundingClientRect().height}px` : ''
    style.overflow = isFrozen ? 'clip' : ''
  }

  #released(): void {
    this.#isHeld = false
    if (!this.#anchor) this.#laidOut()
  }

  /** The reader means to go up, or down. */
  #went(by: number): void {
    this.#movedAt = performance.now()
    if (by < 0) this.leave()
    // There already: nothing scrolls, and no event tells.
    else if (by > 0 && this.#anchor && this.#isEnd(this.#scroller!.scrollTop)) this.toEnd()
  }

  #isEnd(top: number): boolean {
    const since = performance.now() - latelyMs
    while (this.#ends.length > 1 && this.#ends[1]!.at < since) this.#ends.shift()
    return top >= (this.#ends[0]?.max ?? this.#max) - nearPixels
  }

  #show(): void {
    const isAway = this.#anchor !== null
    // At the end the place is this class's business; elsewhere the browser may know better what is read.
    if (this.#scroller) this.#scroller.style.overflowAnchor = isAway ? 'auto' : 'none'
    const newLines = isAway ? this.#linesBelow() : 0
    if (isAway === this.#state.isAway && newLines === this.#state.newLines) return
    this.#state = { isAway, newLines }
    for (const listener of this.#listeners) listener()
  }

  #linesBelow(): number {
    const column = this.#column!
    // Of a branch that is not on show any more.
    if (!this.#last || !column.contains(this.#last)) {
      this.#last = lastIn(column)
      this.#lastHeight = this.#last?.getBoundingClientRect().height ?? 0
    }
    if (!this.#last) return 0
    const { height, bottom } = this.#last.getBoundingClientRect()
    const grown = height - this.#lastHeight + column.getBoundingClientRect().bottom - bottom
    return Math.max(0, Math.floor((grown + 1) / parseFloat(getComputedStyle(column).lineHeight)))
  }
}

/** Of what stands in stretches, or by itself. */
const lastIn = (column: Element): Element | null => column.lastElementChild?.lastElementChild ?? column.lastElementChild

export function useFollowEnd(): FollowEnd {
  return useState(() => new FollowEnd())[0]
}

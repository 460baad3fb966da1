import { useState } from 'react'
import { Anchor } from './anchor.ts'
import { scrollsInside } from './scrolls-inside.ts'

/** A reader this near to the end is at the end, because browsers round. */
const nearPixels = 2
/** What was the end this short time ago counts as the end, because browsers scroll by what they painted last, and the text grows meanwhile. */
const latelyMs = 400
/** A reader who has not moved for this long is reading. */
const restMs = 100
/** A resting finger may move this much. */
const slackPixels = 3
/** A linked message is placed this far below the upper edge. */
const marginPixels = 16

export interface FollowState {
  /** Whether the reader has left the end. */
  readonly isAway: boolean
  /** How many lines have come below since. */
  readonly newLines: number
}

/**
 * A reader's place in the scroller: at the end, which is followed while it grows, or at the text they read, which stays in its place. They
 * leave the end as soon as they scroll away, and only they themselves return to it, by reaching the end again.
 */
export class FollowEnd {
  readonly #listeners = new Set<() => void>()
  #state: FollowState = { isAway: false, newLines: 0 }
  #scroller: HTMLElement | null = null
  #column: HTMLElement | null = null
  /** Null: at the end. */
  #anchor: Anchor | null = null
  /** The scroll position and the largest possible one, at the last layout. */
  #top = 0
  #max = 0
  /** The largest scroll positions lately, with their times; the first may be older. */
  #ends: { max: number; at: number }[] = []
  /** The last message, and its height, when the end was left. */
  #last: Element | null = null
  #lastHeight = 0
  /** Held by a finger or by the scroll bar: do not scroll then. */
  #isHeld = false
  #touchY = 0
  /** Where a mouse holds the scroll bar. */
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

  /** For the column inside the scroller: `ref={follow.attach}`. */
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
    // Not all browsers tell when a scroll bar is released.
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

  /** The reader goes elsewhere, and nothing pulls them back. */
  readonly leave = (): void => {
    if (this.#anchor || this.#max <= nearPixels || !this.#scroller) return
    this.#leaveTo(Anchor.at(this.#scroller, this.#column!))
  }

  /** Moves this to the upper edge, and keeps it there until the reader moves. */
  readonly bring = (element: HTMLElement): void => {
    if (!this.#scroller) return
    this.#leaveTo(Anchor.of(element, marginPixels))
    this.#laidOut()
  }

  /** Scrolls by this many pixels, as a key does. */
  readonly moveBy = (pixels: number): void => {
    if (!this.#scroller) return
    if (pixels < 0) this.leave()
    this.#scroller.scrollTop += pixels
  }

  #leaveTo(anchor: Anchor): void {
    this.#anchor = anchor
    this.#last = lastIn(this.#column!)
    this.#lastHeight = this.#last?.getBoundingClientRect().height ?? 0
    // The former end is above the present one now.
    this.#ends = [{ max: this.#max, at: performance.now() }]
    this.#show()
  }

  /** Something has changed its size, and the browser has not painted since. */
  #laidOut(): void {
    const scroller = this.#scroller
    if (!scroller) return
    const max = scroller.scrollHeight - scroller.clientHeight
    const isShorter = max < this.#max
    this.#max = max
    this.#ends.push({ max, at: performance.now() })
    if (this.#ends.length > 50) this.#ends.shift()
    // Everything fits into view, or the text below the reader is gone.
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
    // Dragging the scroll bar, selecting, or find-in-page. A text that became shorter moves by itself.
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
    // There may have been no time to scroll.
    if (clientY < this.#pressedAt - slackPixels) this.leave()
    this.#pressedAt = null
    this.#freeze(false)
    this.#released()
  }

  /** Chromium releases the scroll bar when the content becomes longer. */
  #freeze(isFrozen: boolean): void {
    const { style } = this.#column!
    style.blockSize = isFrozen ? `${this.#column!.getBoundingClientRect().height}px` : ''
    style.overflow = isFrozen ? 'clip' : ''
  }

  #released(): void {
    this.#isHeld = false
    if (!this.#anchor) this.#laidOut()
  }

  /** The reader wants to go up or down. */
  #went(by: number): void {
    this.#movedAt = performance.now()
    if (by < 0) this.leave()
    // Already there: nothing scrolls, and no event is sent.
    else if (by > 0 && this.#anchor && this.#isEnd(this.#scroller!.scrollTop)) this.toEnd()
  }

  #isEnd(top: number): boolean {
    const since = performance.now() - latelyMs
    while (this.#ends.length > 1 && this.#ends[1]!.at < since) this.#ends.shift()
    return top >= (this.#ends[0]?.max ?? this.#max) - nearPixels
  }

  #show(): void {
    const isAway = this.#anchor !== null
    // At the end this class sets the position; elsewhere the browser may know better what is being read.
    if (this.#scroller) this.#scroller.style.overflowAnchor = isAway ? 'auto' : 'none'
    const newLines = isAway ? this.#linesBelow() : 0
    if (isAway === this.#state.isAway && newLines === this.#state.newLines) return
    this.#state = { isAway, newLines }
    for (const listener of this.#listeners) listener()
  }

  #linesBelow(): number {
    const column = this.#column!
    // It belongs to a branch that is no longer on show.
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

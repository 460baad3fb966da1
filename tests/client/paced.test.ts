/** Text that comes in bursts is revealed evenly: never late, never torn, at the cost of what is new. */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { bringTo, inPieces, type Follower, type TextForm } from '../../client/parts/growing.ts'
import { dueLength, paceMs, wholeCharacters } from '../../client/parts/pace.ts'
import { paced } from '../../client/parts/paced.ts'

/** Shows its text; remembers what it was asked. */
function plain(asked: string[] = []): TextForm<string> {
  return {
    follow: (): Follower<string> => {
      let text = ''
      return {
        get length() {
          return text.length
        },
        toString: () => text,
        replaceFrom: (from, more) => {
          asked.push(more)
          text = text.slice(0, from) + more
        },
        end: () => void asked.push('end'),
        shown: () => text,
      }
    },
  }
}

/** A page whose frames come every 16 ms, for as long as it is seen. */
const page = { visibilityState: 'visible', isStill: false, hasFrames: true }
const listeners = new Set<() => void>()

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  Object.assign(page, { visibilityState: 'visible', isStill: false, hasFrames: true })
  vi.stubGlobal('document', {
    get visibilityState() {
      return page.visibilityState
    },
    addEventListener: (_type: string, listener: () => void) => listeners.add(listener),
    removeEventListener: (_type: string, listener: () => void) => listeners.delete(listener),
  })
  vi.stubGlobal('matchMedia', () => ({ matches: page.isStill }))
  vi.stubGlobal('requestAnimationFrame', (listener: () => void) =>
    setTimeout(() => page.hasFrames && page.visibilityState === 'visible' && listener(), 16),
  )
  vi.stubGlobal('cancelAnimationFrame', clearTimeout)
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  expect(listeners.size).toBe(0)
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

function started(form = plain()) {
  const told: string[] = []
  const follower: Follower<string> = paced(form).follow(() => told.push(follower.shown()))
  follower.replaceFrom(0, 'There: ')
  return { follower, told }
}

test('what is there at first is shown at once; a burst comes frame by frame, in even steps, within its time', () => {
  const { follower, told } = started()
  expect(follower.shown()).toBe('There: ')
  const burst = 'x'.repeat(400)
  follower.replaceFrom(7, burst)
  expect(follower.shown()).toBe('There: ')
  expect([follower.length, String(follower)]).toEqual([407, `There: ${burst}`])
  vi.advanceTimersByTime(150)
  expect(follower.shown()).toBe(`There: ${burst}`)
  const steps = told.map((text, i) => text.length - (told[i - 1]?.length ?? 7))
  expect(steps.length).toBeGreaterThanOrEqual(7)
  expect(Math.max(...steps)).toBeLessThan(70)
})

test('never more than 150 ms behind, whatever comes when', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 900 })), { maxLength: 30 }),
      (bursts) => {
        const { follower } = started()
        const came: { at: number; length: number }[] = []
        const look = () => {
          const late = came.filter(({ at }) => performance.now() - at > 150)
          for (const { length } of late) expect(follower.shown().length).toBeGreaterThanOrEqual(length)
        }
        for (const [wait, size] of bursts) {
          for (let ms = 0; ms < wait; ms++) {
            vi.advanceTimersByTime(1)
            look()
          }
          follower.replaceFrom(follower.length, 'y'.repeat(size))
          came.push({ at: performance.now(), length: follower.length })
        }
        follower.end()
        expect(follower.shown().length).toBe(follower.length)
      },
    ),
    { numRuns: 20 },
  )
})

test('the form reads each character once, and is told of an end once all is shown', () => {
  const asked: string[] = []
  const { follower } = started(plain(asked))
  for (let i = 0; i < 100; i++) {
    follower.replaceFrom(follower.length, 'word ')
    vi.advanceTimersByTime(10)
  }
  follower.end()
  expect(asked.at(-1)).toBe('end')
  expect(asked.slice(0, -1).join('')).toBe(`There: ${'word '.repeat(100)}`)
})

test('an edit of what is shown is seen at once, one of what waits is not shown before its time', () => {
  const { follower } = started()
  follower.replaceFrom(7, 'some words')
  follower.replaceFrom(12, 'bread')
  expect([follower.shown(), String(follower)]).toEqual(['There: ', 'There: some bread'])
  follower.replaceFrom(2, 'ese')
  expect(follower.shown()).toBe('These')
  bringTo(follower, 'Those are all')
  expect(follower.shown()).toBe('Those are all')
})

test.each([
  ['in a tab that nobody sees', () => (page.visibilityState = 'hidden')],
  ['for who wants less motion', () => (page.isStill = true)],
  ['where there are no frames', () => vi.stubGlobal('requestAnimationFrame', undefined)],
])('nothing waits %s', (_, arrange) => {
  arrange()
  const { follower } = started()
  follower.replaceFrom(7, 'all of it')
  expect(follower.shown()).toBe('There: all of it')
})

test('what waits is shown when the tab is hidden, and when frames stop', () => {
  const { follower, told } = started()
  follower.replaceFrom(7, 'all of it')
  page.visibilityState = 'hidden'
  for (const listener of listeners) listener()
  expect(told).toEqual(['There: all of it'])

  Object.assign(page, { visibilityState: 'visible', hasFrames: false })
  follower.replaceFrom(follower.length, ', and more')
  vi.advanceTimersByTime(149)
  expect(told.at(-1)).toBe('There: all of it, and more')
})

test('no character is cut in two', () => {
  for (const whole of ['😀', 'é', '👍🏽', '👩‍💻', '❤️'])
    for (let at = 1; at <= whole.length; at++)
      expect([whole, at, wholeCharacters(`${whole}b`, at)]).toEqual([whole, at, whole.length])
  expect([wholeCharacters('ab', 0), wholeCharacters('ab', 1), wholeCharacters('ab', 9)]).toEqual([0, 1, 2])
})

test('the most urgent decides how much is due', () => {
  expect(dueLength([], 0, 16)).toBe(0)
  expect(dueLength([{ length: 130, dueAt: paceMs }], 0, 16)).toBe(16)
  expect(dueLength([{ length: 10, dueAt: 5 }], 0, 16)).toBe(10)
  expect(
    dueLength(
      [
        { length: 10, dueAt: 20 },
        { length: 300, dueAt: 110 },
      ],
      10,
      10,
    ),
  ).toBe(31)
})

test('it is one form for one form: who shows the same text shares it', () => {
  expect(paced(inPieces)).toBe(paced(inPieces))
})

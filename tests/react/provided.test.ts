/** What hooks share below one provider: what is on show is one thing for all, however much of it there is. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { Provided } from '../../client/react/provided.ts'

const provide = () => new Provided(undefined, {}, {})
const unused = () => ({ isUsed: false })

test('beside a hundred things in use, what was just made is the same for whoever asks next', () => {
  const provided = provide()
  for (let i = 0; i < 101; i++) provided.kept(`used ${i}`, () => ({ isUsed: true }))
  expect(provided.kept('new', unused)).toBe(provided.kept('new', unused))
})

test('a page of a thousand things, made before any of them is used, loses none', () => {
  const provided = provide()
  const made = Array.from({ length: 1_000 }, (_, i) => provided.kept(`new ${i}`, unused))
  for (const [i, one] of made.entries()) expect(provided.kept(`new ${i}`, unused)).toBe(one)
})

test('what nobody uses is kept for a while and a hundred things; what is in use stays, at the cost of what is asked for', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const provided = provide()
  let looks = 0
  const used = {
    get isUsed() {
      looks++
      return true
    },
  }
  provided.kept('used', () => used)
  const first = Array.from({ length: 10_000 }, (_, i) => {
    vi.advanceTimersByTime(100)
    return new WeakRef(provided.kept(`one ${i}`, unused))
  })
  expect(provided.kept('used', unused)).toBe(used)
  expect(provided.kept('one 9999', unused)).toBe(first[9_999]!.deref())
  expect(provided.kept('one 0', () => ({ isUsed: false, isNew: true }))).toMatchObject({ isNew: true })
  expect(looks).toBeLessThan(200)
})

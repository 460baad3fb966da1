import { expect, test } from 'vitest'
import { backoffBaseMs, backoffCapMs, backoffDelay } from '../../client/backoff.ts'

test('the longest wait doubles from the base up to the cap', () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 7, 50].map((attempt) => backoffDelay(attempt, () => 0.999999))
  expect(longest).toEqual([249, 499, 999, 1999, 3999, 7999, 7999, 7999, 7999])
  expect(backoffBaseMs).toBe(250)
  expect(backoffCapMs).toBe(8_000)
})

test('the jitter is full: any wait down to none may come', () => {
  expect(backoffDelay(9, () => 0)).toBe(0)
  expect(backoffDelay(9, () => 0.5)).toBe(4_000)
})

test('it stays a number of milliseconds after very many attempts', () => {
  expect(backoffDelay(5_000, () => 0.5)).toBe(4_000)
})

import { expect, test } from 'vitest'
import { commonVersion } from '../../shared/versions.ts'

/** A page and a server of neighbouring versions, whichever is newer. */
test.each<[string, [v: number, max?: number], [oldest: number, newest: number], number | null]>([
  ['a page from before max was said', [1], [1, 1], 1],
  ['the same, and a newer server that speaks the old version too', [1], [1, 2], 1],
  ['a newer page, and an older server', [1, 2], [1, 1], 1],
  ['both newer', [1, 2], [1, 2], 2],
  ['a much newer page', [1, 9], [2, 3], 3],
  ['a page that is too new', [2, 3], [1, 1], null],
  ['a page that is too old', [1], [2, 3], null],
  ['a range that ends before it begins', [2, 1], [1, 3], null],
])('%s', (_name, [v, max], [oldest, newest], spoken) => {
  expect(commonVersion(v, max, { oldest, newest })).toBe(spoken)
})

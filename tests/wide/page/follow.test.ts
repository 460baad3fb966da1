/** follow.test.ts of the browser tests, thirty runs of each. */
await import('../../browser/follow.test.ts')

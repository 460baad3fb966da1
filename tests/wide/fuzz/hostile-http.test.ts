/** Hostile requests of `npm test`, 40,000 of them. */
process.env.RUNNEL_TEST_HOSTILE_RUNS ??= '800'
await import('../../e2e/hostile-http.test.ts')
export {}

/** The kills of `npm test` on several nodes, many more of them. */
process.env.RUNNEL_TEST_KILLS ??= '40'
await import('../../many/killed.test.ts')
export {}

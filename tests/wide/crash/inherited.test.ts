/** The kills of `npm test` while a node hears of a decision, many more of them. */
process.env.RUNNEL_TEST_KILLS ??= '15'
await import('../../many/inherited.test.ts')
export {}

/** The kills of `npm test` while tools run, many more of them. */
process.env.RUNNEL_TEST_KILLS ??= '25'
await import('../../crash/tools.test.ts')
export {}

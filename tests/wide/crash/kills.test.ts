/** The chaos of `npm test` with many more kills. */
process.env.RUNNEL_TEST_KILLS ??= '150'
await import('../../crash/crash.test.ts')
export {}

/** The kills of `npm test` under a caller of the door, many more of them. */
process.env.RUNNEL_TEST_KILLS ??= '20'
await import('../../crash/door.test.ts')
export {}

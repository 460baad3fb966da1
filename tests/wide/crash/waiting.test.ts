/** The kills of `npm test` while messages wait, at all calls and at many moments, alone and on several nodes. */
process.env.RUNNEL_TEST_KILLS ??= '14'
await import('../../crash/waiting.test.ts')
await import('../../many/waiting.test.ts')
export {}

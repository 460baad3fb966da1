/** The secrets of `npm test`, many more of them. */
process.env.RUNNEL_FUZZ_SEEDS ??= '1000'
await import('../../e2e/redaction.test.ts')
export {}

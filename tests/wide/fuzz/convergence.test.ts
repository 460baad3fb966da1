/** The fuzz of `npm test` with many more seeds. */
process.env.RUNNEL_FUZZ_SEEDS ??= '1500'
await import('../../fuzz/convergence.test.ts')
export {}

/** The hostile frames of `npm test`, many more of them. */
process.env.RUNNEL_FUZZ_FRAMES ??= '400000'
await import('../../e2e/hostile-frames.test.ts')
export {}

import { defineConfig } from 'vitest/config'

// These start processes and browsers, measure time or keep a core busy for long: one file at a time, after all others.
const serial = ['tests/e2e', 'tests/crash', 'tests/fuzz', 'tests/browser', 'tests/many'].map((folder) => `${folder}/**/*.test.ts`).concat('tests/package.test.ts')

const shared = {
  environment: 'node' as const,
  pool: 'forks' as const,
  setupFiles: ['tests/setup.ts'],
  testTimeout: 15_000,
  hookTimeout: 15_000,
  teardownTimeout: 5_000,
}

export default defineConfig({
  test: {
    reporters: ['default', './scripts/count-reporter.mjs'],
    projects: [
      {
        test: {
          ...shared,
          name: 'fast',
          include: ['tests/**/*.test.ts'],
          exclude: serial,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'serial',
          include: serial,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})

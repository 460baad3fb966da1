import { defineConfig } from 'vitest/config'

const files = (...places: string[]) => places.map((place) => (place.endsWith('.ts') ? place : `${place}/**/*.test.ts`))

// These start processes and mostly wait for them: for a lease to end, a server to come back.
const patient = files('tests/crash', 'tests/many', 'tests/cluster', 'tests/e2e/postgres.test.ts', 'tests/store/postgres*.test.ts')
// Of those, the ones that keep both cores busy themselves.
const busy = files('tests/many/failover.test.ts', 'tests/many/hop.test.ts', 'tests/many/rolling.test.ts')
// These measure time, or keep both cores busy: one file at a time, after all others.
const serial = files('tests/e2e', 'tests/fuzz', 'tests/browser', ...busy, 'tests/package.test.ts')

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
          exclude: [...patient, ...serial],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'patient',
          include: patient,
          exclude: busy,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: 'serial',
          include: serial,
          exclude: ['tests/e2e/postgres.test.ts'],
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})

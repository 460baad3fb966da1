import { defineConfig } from 'vitest/config'

const files = (...places: string[]) => places.map((place) => (place.endsWith('.ts') ? place : `${place}/**/*.test.ts`))

// These keep a core busy each, or start what does: two at a time, behind those.
const paired = files(
  'tests/browser',
  'tests/many/crash-loop.test.ts',
  'tests/many/failover.test.ts',
  'tests/packages.test.ts',
  'tests/e2e/mcp.test.ts',
)

// These measure a promised time or memory, or keep both cores busy themselves: one file at a time, after all others.
const alone = files(
  ...[
    'at-once',
    'door-stop',
    'hostile-frames',
    'moments',
    'nginx',
    'return',
    'slow-viewer',
    'stop',
    'stop-signed-in',
  ].map((name) => `tests/e2e/${name}.test.ts`),
  'tests/socket/many-people.test.ts',
  'tests/extension/schema-check.test.ts',
  'tests/store/long-texts.test.ts',
  'tests/hostile-texts.test.ts',
  'tests/http/loop-holds.test.ts',
  'tests/room/loop-holds.test.ts',
)

// `npm run test:wide -- PART`: what takes too long for `npm test`.
const wide = files('tests/wide')

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
          name: 'together',
          include: files('tests'),
          exclude: [...paired, ...alone, ...wide],
          // Many of them wait for processes most of the time.
          maxWorkers: 5,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'in pairs',
          include: paired,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: 'alone',
          include: alone,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      ...(process.env.RUNNEL_TEST_WIDE
        ? [
            {
              test: {
                ...shared,
                name: 'wide',
                include: wide,
                maxWorkers: 1,
                fileParallelism: false,
                testTimeout: 120_000,
                sequence: { groupOrder: 3 },
              },
            },
          ]
        : []),
    ],
  },
})

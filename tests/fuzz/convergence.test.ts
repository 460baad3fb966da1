import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { chosenSeeds } from './random.ts'
import { playScenario, type Clock, type Outcome } from './scenario.ts'
import { signIn } from './sign-in.ts'

const turn = setImmediate

const clock: Clock = {
  advance: async (ms) => {
    await vi.advanceTimersByTimeAsync(ms)
    await clock.settle()
  },
  // Two turns: what a stream's callback starts may end in another.
  settle: async () => {
    do for (let i = 0; i < 2; i++) await new Promise<void>((resolve) => turn(resolve))
    while (await signIn.checked())
  },
}

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'clearImmediate',
      'Date',
      'performance',
    ],
  })
})
afterEach(() => {
  vi.useRealTimers()
})

const seeds = chosenSeeds(signIn.seeds)
const total: Record<string, number> = {}

afterAll(() => {
  console.log(
    `convergence: seeds ${seeds[0]} … ${seeds.at(-1)} (RUNNEL_FUZZ_SEED=<seed> plays one again); ${Object.entries(total)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ')}`,
  )
})

test(
  `every viewer converges, whatever is dropped, delayed, repeated or killed (${seeds.length} seeds)`,
  { timeout: 60_000 + seeds.length * 1_000 },
  async () => {
    for (const seed of seeds) {
      let outcome: Outcome
      try {
        outcome = await playScenario(seed, clock)
      } catch (error) {
        throw new Error(`RUNNEL_FUZZ_SEED=${seed} plays this again`, { cause: error })
      }
      for (const [key, value] of Object.entries(outcome))
        total[key] = key === 'blocks' ? Math.max(total[key] ?? 0, value) : (total[key] ?? 0) + value
    }
    // A fuzz that meets none of what it is for shows nothing.
    if (seeds.length >= 100) {
      for (const met of ['compactions', 'kills', 'lost', 'lags', 'refusals', 'checkpoints', 'checkedStates'])
        expect(total[met], met).toBeGreaterThan(0)
      expect(total.blocks).toBeGreaterThan(64)
    }
  },
)

import { test } from 'vitest'
import { leavesNothing } from './leaks.ts'

// 1,000 mounts, 200 switches and 50 reconnects are `npm run test:wide -- react`.
test(
  'what was mounted, switched and reconnected leaves no socket, no listener and no document',
  { timeout: 60_000 },
  () => leavesNothing({ mounts: 30, switches: 20, reconnects: 3 }),
)

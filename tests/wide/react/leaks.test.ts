import { test } from 'vitest'
import { leavesNothing } from '../../react/leaks.ts'

test('1,000 mounts, 200 switches and 50 reconnects leave no socket, no listener and no document', () =>
  leavesNothing({ mounts: 1_000, switches: 200, reconnects: 50 }))

import { test } from 'vitest'
import { driveReactExample } from '../examples/react.ts'

// In development, and on the packed client, it is `npm run test:wide -- react`.
test('the React example, built', { timeout: 60_000 }, () => driveReactExample('built'))

import { test } from 'vitest'
import { driveReactExample } from '../../examples/react.ts'

test('the React example, in development', () => driveReactExample('in development'))

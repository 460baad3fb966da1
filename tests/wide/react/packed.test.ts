import { onTestFinished, test } from 'vitest'
import { driveReactExample } from '../../examples/react.ts'
import { packAll } from '../../helpers/packed.ts'

test('the React example on the client as it is published, in development and built', { timeout: 300_000 }, async () => {
  const packed = await packAll()
  onTestFinished(packed.remove)
  await driveReactExample('in development', packed.tarballs.client)
  await driveReactExample('built', packed.tarballs.client)
})

/** H11: ten minutes behind an nginx without upgrades, before three nodes. */
import { test } from 'vitest'
import { playBehindNginx } from '../../e2e/nginx-transports.ts'
import { usePostgres } from '../../many/nodes.ts'

usePostgres()

test('streams and polls for ten minutes: no session is lost, nobody comes and goes', { timeout: 720_000 }, async () => {
  await playBehindNginx(Number(process.env.RUNNEL_TEST_TRANSPORT_MS ?? 600_000))
})

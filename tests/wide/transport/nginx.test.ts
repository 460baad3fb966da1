/** H11: a minute behind an nginx without upgrades, before one server. Before three nodes: transport-nginx. */
import { test } from 'vitest'
import { playBehindNginx } from '../../e2e/nginx-transports.ts'
import { usePostgres } from '../../many/nodes.ts'

usePostgres()

test('streams and polls for a minute: no session is lost, nobody comes and goes', async () => {
  await playBehindNginx(60_000, 1)
})

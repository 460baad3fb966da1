/** stop.test.ts of the end-to-end tests, on polls. */
import { socketOf } from '../../../testing/http-socket.ts'

process.env.RUNNEL_TEST_REST_MS = '250'
globalThis.WebSocket = socketOf('poll')
await import('../../e2e/stop.test.ts')

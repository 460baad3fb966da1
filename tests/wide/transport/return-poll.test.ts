/** return.test.ts of the end-to-end tests, on polls. */
import { socketOf } from '../../../testing/http-socket.ts'

globalThis.WebSocket = socketOf('poll')
await import('../../e2e/return.test.ts')

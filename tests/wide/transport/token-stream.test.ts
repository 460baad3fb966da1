/** token.test.ts of the end-to-end tests, on a stream. */
import { socketOf } from '../../../testing/http-socket.ts'

globalThis.WebSocket = socketOf('stream')
await import('../../e2e/token.test.ts')

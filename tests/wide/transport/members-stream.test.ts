/** Who may read, as members come and go, on a stream. */
import { socketOf } from '../../../testing/http-socket.ts'

globalThis.WebSocket = socketOf('stream')
await import('../../http/members.test.ts')
await import('../../http/roles.test.ts')

/** Who may read, as members come and go, on polls. */
import { socketOf } from '../../../testing/http-socket.ts'

globalThis.WebSocket = socketOf('poll')
await import('../../http/members.test.ts')
await import('../../http/roles.test.ts')

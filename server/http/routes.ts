import { againRoutes } from './again.ts'
import { chatRoutes } from './chats.ts'
import { completionRoutes } from './completions.ts'
import { eventRoutes } from './events.ts'
import { exportRoutes } from './export/export.ts'
import { fileRoutes } from './files.ts'
import { healthRoutes } from './health.ts'
import { inviteRoutes } from './invites.ts'
import { memberRoutes } from './members.ts'
import { messageRoutes } from './messages.ts'
import { openApiRoute } from './openapi.ts'
import { questionRoutes } from './questions.ts'
import { modelRoutes } from './models.ts'
import type { Route, RouteDescription } from './route.ts'
import { signInRoutes } from './sign-in.ts'
import { stateRoutes } from './states.ts'
import { syncRoutes } from './sync.ts'
import { taskRoutes } from './tasks.ts'
import { toolCallRoutes } from './tool-calls.ts'
import { toolRoutes } from './tools.ts'
import { waitingRoutes } from './waiting.ts'

const described: readonly Route[] = [
  ...chatRoutes,
  ...memberRoutes,
  ...inviteRoutes,
  ...questionRoutes,
  ...waitingRoutes,
  ...messageRoutes,
  ...againRoutes,
  ...toolCallRoutes,
  ...toolRoutes,
  ...eventRoutes,
  ...stateRoutes,
  ...exportRoutes,
  ...syncRoutes,
  ...fileRoutes,
  ...taskRoutes,
  ...modelRoutes,
  ...completionRoutes,
  ...signInRoutes,
  ...healthRoutes,
]

/** The one table of routes: each method and path once, with who may, what goes in and what comes out. */
export const table: readonly Route[] = [...described, openApiRoute(described)]

/** What is known of every route, for whoever checks them all. */
export function routes(): readonly RouteDescription[] {
  return table
}

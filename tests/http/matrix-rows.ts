/** What one request is about, made anew for each. */
export interface Subject {
  chatId: string
  messageId: string
  taskId: string
  inviteId: string
  inviteToken: string
  fileId: string
}

export interface Row {
  route: string
  /** Anybody, from anywhere; anybody from where this server may be called; anybody with an account; these and guests of an invite; members of at least this role. */
  needs: 'nothing' | 'public' | 'account' | 'account or invite' | 'viewer' | 'editor' | 'owner'
  /** What those who may get. */
  ok: number
  body?: (subject: Subject) => object
  /** A `multipart/form-data` body with these fields and a small file. */
  form?: (subject: Subject) => Record<string, string>
}

/** Every route, once. `:userId` is that of a member who is none of those who ask. */
export const rows: readonly Row[] = [
  { route: 'GET /healthz', needs: 'nothing', ok: 200 },
  { route: 'GET /readyz', needs: 'nothing', ok: 200 },
  { route: 'GET /api/sign-in', needs: 'public', ok: 200 },
  { route: 'GET /openapi.json', needs: 'public', ok: 200 },
  { route: 'GET /api/chats', needs: 'account', ok: 200 },
  { route: 'POST /api/chats', needs: 'account', ok: 201, body: () => ({}) },
  { route: 'GET /api/chats/:chatId', needs: 'viewer', ok: 200 },
  { route: 'PATCH /api/chats/:chatId', needs: 'editor', ok: 200, body: () => ({ title: 'New' }) },
  { route: 'DELETE /api/chats/:chatId', needs: 'owner', ok: 204 },
  { route: 'POST /api/chats/:chatId/read', needs: 'viewer', ok: 200, body: () => ({}) },
  { route: 'GET /api/chats/:chatId/messages', needs: 'viewer', ok: 200 },
  { route: 'POST /api/chats/:chatId/messages', needs: 'editor', ok: 202, body: () => ({ content: 'Hello' }) },
  { route: 'GET /api/chats/:chatId/waiting', needs: 'viewer', ok: 200 },
  // Who may, is told that there is none.
  {
    route: 'PATCH /api/chats/:chatId/waiting/:waitingId',
    needs: 'editor',
    ok: 404,
    body: () => ({ content: 'New' }),
  },
  { route: 'DELETE /api/chats/:chatId/waiting/:waitingId', needs: 'editor', ok: 404 },
  { route: 'POST /api/chats/:chatId/waiting/:waitingId/send', needs: 'editor', ok: 404 },
  { route: 'GET /api/chats/:chatId/members', needs: 'viewer', ok: 200 },
  {
    route: 'POST /api/chats/:chatId/members',
    needs: 'owner',
    ok: 201,
    body: () => ({ userId: 'new', role: 'viewer' }),
  },
  { route: 'DELETE /api/chats/:chatId/members/:userId', needs: 'owner', ok: 204 },
  { route: 'GET /api/chats/:chatId/invites', needs: 'owner', ok: 200 },
  { route: 'POST /api/chats/:chatId/invites', needs: 'owner', ok: 201, body: () => ({}) },
  { route: 'DELETE /api/chats/:chatId/invites/:inviteId', needs: 'owner', ok: 204 },
  { route: 'POST /api/invites/redeem', needs: 'account', ok: 200, body: ({ inviteToken }) => ({ token: inviteToken }) },
  { route: 'GET /api/messages/:messageId', needs: 'viewer', ok: 200 },
  { route: 'DELETE /api/messages/:messageId', needs: 'editor', ok: 204 },
  { route: 'POST /api/messages/:messageId/stop', needs: 'editor', ok: 200, body: () => ({}) },
  { route: 'POST /api/messages/:messageId/regenerate', needs: 'editor', ok: 202, body: () => ({}) },
  { route: 'POST /api/messages/:messageId/continue', needs: 'editor', ok: 202, body: () => ({}) },
  // Who may, is told that it is no question, and that there is no such call.
  { route: 'PATCH /api/messages/:messageId', needs: 'editor', ok: 405, body: () => ({ content: 'New' }) },
  {
    route: 'POST /api/messages/:messageId/tool-calls/:callId',
    needs: 'editor',
    ok: 404,
    body: () => ({ decision: 'approve' }),
  },
  { route: 'GET /api/messages/:messageId/events', needs: 'viewer', ok: 200 },
  { route: 'GET /api/messages/:messageId/state', needs: 'viewer', ok: 200 },
  { route: 'GET /api/chats/:chatId/state', needs: 'viewer', ok: 200 },
  { route: 'GET /api/chats/:chatId/export', needs: 'viewer', ok: 200 },
  // Who may, is told that nothing was said, and that there is no such session.
  { route: 'POST /api/sync', needs: 'account or invite', ok: 400 },
  { route: 'POST /api/sync/:session', needs: 'account or invite', ok: 404 },
  { route: 'POST /api/files', needs: 'editor', ok: 201, form: ({ chatId }) => ({ chatId }) },
  { route: 'GET /api/files/:fileId', needs: 'viewer', ok: 200 },
  { route: 'GET /api/tools', needs: 'account', ok: 200 },
  { route: 'GET /api/tasks', needs: 'account or invite', ok: 200 },
  { route: 'POST /api/tasks/:taskId/stop', needs: 'editor', ok: 200, body: () => ({}) },
  { route: 'GET /api/models', needs: 'account or invite', ok: 200 },
  {
    route: 'POST /v1/chat/completions',
    needs: 'account',
    ok: 200,
    body: () => ({ messages: [{ role: 'user', content: 'Hello' }] }),
  },
  { route: 'GET /v1/models', needs: 'account', ok: 200 },
  // There is none of this name.
  { route: 'GET /v1/models/:model', needs: 'account', ok: 404 },
]

/** `invite`: of a viewer. The last four have the owner's right, were it not for what they are called. */
export const askers = [
  'nobody',
  'stranger',
  'viewer',
  'editor',
  'owner',
  'invite',
  'expired',
  'wrong algorithm',
  'foreign Origin',
  'foreign Host',
] as const
export type Asker = (typeof askers)[number]

/** The answers, in the order of `askers`; 0 is the row's `ok`. */
export const answers: Record<Row['needs'], readonly number[]> = {
  nothing: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  public: [0, 0, 0, 0, 0, 0, 0, 0, 403, 403],
  account: [401, 0, 0, 0, 0, 403, 401, 401, 403, 403],
  'account or invite': [401, 0, 0, 0, 0, 0, 401, 401, 403, 403],
  viewer: [401, 404, 0, 0, 0, 0, 401, 401, 403, 403],
  editor: [401, 404, 403, 0, 0, 403, 401, 401, 403, 403],
  owner: [401, 404, 403, 403, 0, 403, 401, 401, 403, 403],
}

/** To a subscribe on `/ws` and over HTTP, and to the first sync step on `/yjs`. */
export const socketAnswers = {
  ws: ['4401', 'not_found', 'followed', 'followed', 'followed', 'followed', '4401', '4401', 'HTTP 403', 'HTTP 403'],
  sync: [
    'HTTP 401',
    'not_found',
    'followed',
    'followed',
    'followed',
    'followed',
    'HTTP 401',
    'HTTP 401',
    'HTTP 403',
    'HTTP 403',
  ],
  yjs: ['4401', '4403', 'followed', 'followed', 'followed', 'followed', '4401', '4401', 'HTTP 403', 'HTTP 403'],
} as const

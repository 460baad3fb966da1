import type { ServerControl } from '../shared/protocol.ts'

/** One of this user's chats was made, renamed, deleted, or read on any device, or a run in it began, waits, or ended. */
export type ChatEvent = Omit<Extract<ServerControl, { type: 'chat' }>, 'type'>

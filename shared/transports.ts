/** What may carry a session, best first. */
export const transportNames = ['websocket', 'stream', 'poll'] as const
export type TransportName = (typeof transportNames)[number]

/** On a streamed answer the server speaks at least this often: what holds the stream back is noticed by its silence. */
export const streamSilenceMs = 5_000
/** A client that does not wait for answers asks for them at least this often. */
export const maxPollEveryMs = 60_000

/** A body of frames has no more of them. */
export const maxSaidFrames = 1_000

import type { JsonObject } from '../../shared/schema.ts'
import type { Role } from '../../shared/protocol.ts'

export interface ChatRow {
  id: string
  ownerId: string
  title: string
  createdAt: number
  /** Epoch ms: it is in no list and found by no search, and goes at that time. */
  expiresAt?: number
  /** Its title was given by nobody. */
  untitled?: true
}

export interface StoredChat extends ChatRow {
  /** System prompt of this chat: it may be large. */
  system: string | null
}

/** A chat as one of its members sees it in a list. */
export interface ListedChat extends StoredChat {
  /** That member's. */
  role: Role
  /** Epoch ms: it was made, somebody asked in it or went on with an answer, or an answer ended. */
  activeAt: number
  /** Up to when this member has read it, epoch ms; null: never. */
  readAt: number | null
  /** An answer is queued or being written. */
  running: boolean
  /** A run waits for a person or a client, and nothing of it goes on until then. */
  waiting: boolean
}

/** One that a search has found. */
export interface FoundChat extends ListedChat {
  /** The message that matches best; null where only the title does. */
  messageId: string | null
}

export interface NewChat extends StoredChat {
  /** As the other members see the owner; default: the id. */
  ownerName?: string
}

/** What runs of a chat take that do not say it themselves; null: nothing. */
export interface ChatDefaults {
  /** Goes before that of a request. */
  system: string | null
  model: string | null
  /** Those of a request go over them. */
  params: JsonObject | null
}

export interface MemberRow {
  userId: string
  /** As others see it, from the member's own sign-in. */
  name: string
  role: Role
  joinedAt: number
  /** The invite that gave this role. */
  inviteId?: string
}

/** One that is revoked is gone. */
export interface InviteRow {
  id: string
  chatId: string
  role: Role
  /** The token itself is nowhere in the store. */
  tokenHash: string
  createdAt: number
  expiresAt: number
}

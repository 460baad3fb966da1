import { RunnelError } from '../../../shared/errors.ts'
import type { Role } from '../../../shared/protocol.ts'
import type { InviteRow, MemberRow, Store } from '../store.ts'
import { unknownChat } from '../unknown-chat.ts'

type MemberMethods = Pick<
  Store,
  | 'memberRole'
  | 'pinChat'
  | 'pinnedChats'
  | 'listMembers'
  | 'putMember'
  | 'removeMember'
  | 'putInvite'
  | 'getInvite'
  | 'findInvite'
  | 'listInvites'
  | 'revokeInvite'
>

/** Members and invites of chats, in memory. */
export interface MemoryMembers {
  readonly store: MemberMethods
  role(chatId: string, userId: string): Role | null
  chatsOf(userId: string): ReadonlySet<string>
  pinned(userId: string): ReadonlySet<string>
  put(chatId: string, member: MemberRow): void
  deleteChat(chatId: string): void
}

/** @param knows whether there is such a chat */
export function memoryMembers(knows: (chatId: string) => boolean): MemoryMembers {
  const members = new Map<string, Map<string, MemberRow>>()
  const chatsByUser = new Map<string, Set<string>>()
  const invites = new Map<string, InviteRow>()
  const pins = new Map<string, Set<string>>()

  const role = (chatId: string, userId: string) => members.get(chatId)?.get(userId)?.role ?? null
  const put = (chatId: string, member: MemberRow) => {
    const ofChat = members.get(chatId) ?? new Map<string, MemberRow>()
    const known = ofChat.get(member.userId)
    const inviteId = member.inviteId ?? known?.inviteId
    members.set(
      chatId,
      ofChat.set(member.userId, {
        ...member,
        joinedAt: known?.joinedAt ?? member.joinedAt,
        ...(inviteId !== undefined && { inviteId }),
      }),
    )
    chatsByUser.set(member.userId, (chatsByUser.get(member.userId) ?? new Set()).add(chatId))
  }
  const remove = (chatId: string, userId: string) => {
    chatsByUser.get(userId)?.delete(chatId)
    pins.get(userId)?.delete(chatId)
    return members.get(chatId)?.delete(userId) ?? false
  }
  const byTime = (a: MemberRow, b: MemberRow) =>
    Number(a.role !== 'owner') - Number(b.role !== 'owner') || a.joinedAt - b.joinedAt || (a.userId < b.userId ? -1 : 1)

  return {
    role,
    chatsOf: (userId) => chatsByUser.get(userId) ?? new Set(),
    pinned: (userId) => pins.get(userId) ?? new Set(),
    put,
    deleteChat(chatId) {
      for (const userId of members.get(chatId)?.keys() ?? []) remove(chatId, userId)
      members.delete(chatId)
      for (const [id, invite] of invites) if (invite.chatId === chatId) invites.delete(id)
    },
    store: {
      pinChat: async (chatId, userId, pinned) => {
        if (role(chatId, userId) === null) return
        const own = pins.get(userId) ?? new Set()
        pins.set(userId, own)
        if (pinned) own.add(chatId)
        else own.delete(chatId)
      },
      pinnedChats: async (userId) => [...(pins.get(userId) ?? [])],
      memberRole: async (chatId, userId) => role(chatId, userId),
      listMembers: async (chatId) => structuredClone([...(members.get(chatId)?.values() ?? [])].toSorted(byTime)),
      putMember: async (chatId, member) => {
        if (!knows(chatId)) throw unknownChat()
        put(chatId, member)
      },
      removeMember: async (chatId, userId) => remove(chatId, userId),
      putInvite: async (invite) => {
        if (!knows(invite.chatId)) throw unknownChat()
        if (invites.has(invite.id)) throw new RunnelError('internal', 'This is in the database already.')
        invites.set(invite.id, structuredClone(invite))
      },
      getInvite: async (id) => structuredClone(invites.get(id)) ?? null,
      findInvite: async (tokenHash) =>
        structuredClone([...invites.values()].find((invite) => invite.tokenHash === tokenHash)) ?? null,
      listInvites: async (chatId) =>
        structuredClone([...invites.values()].filter((invite) => invite.chatId === chatId)).toSorted(
          (a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1),
        ),
      revokeInvite: async (chatId, id) => invites.get(id)?.chatId === chatId && invites.delete(id),
    },
  }
}

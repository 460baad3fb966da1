import type { Store, StoredChat } from '../store.ts'

type DefaultMethods = Pick<Store, 'getDefaults' | 'putDefaults'>

/** What chats say for runs that do not say it themselves, in memory. `chatOf`: the row, which holds the system prompt. */
export function memoryDefaults(chatOf: (id: string) => StoredChat | undefined): {
  readonly store: DefaultMethods
  delete(chatId: string): void
} {
  const nothing = { model: null, params: null }
  const known = new Map<string, Omit<Awaited<ReturnType<Store['getDefaults']>>, 'system'>>()
  return {
    store: {
      getDefaults: async (chatId) =>
        structuredClone({ system: chatOf(chatId)?.system ?? null, ...(known.get(chatId) ?? nothing) }),
      putDefaults: async (chatId, { system, ...rest }) => {
        const chat = chatOf(chatId)
        if (!chat) return
        if (system !== undefined) chat.system = system
        known.set(chatId, { ...(known.get(chatId) ?? nothing), ...structuredClone(rest) })
      },
    },
    delete: (chatId) => void known.delete(chatId),
  }
}

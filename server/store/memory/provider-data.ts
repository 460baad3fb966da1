import type { ProviderData } from '../store.ts'

/** By message, then by block. */
export function memoryProviderData() {
  const kept = new Map<string, Map<string, ProviderData>>()
  return {
    put(messageId: string, entries: readonly ProviderData[]) {
      const ofMessage = kept.get(messageId) ?? new Map<string, ProviderData>()
      for (const entry of entries) {
        if (entry.data === null) ofMessage.delete(entry.blockId)
        else ofMessage.set(entry.blockId, structuredClone(entry))
      }
      kept.set(messageId, ofMessage)
    },
    get: (messageId: string) => structuredClone([...(kept.get(messageId)?.values() ?? [])]),
    delete: (messageId: string) => kept.delete(messageId),
  }
}

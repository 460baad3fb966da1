import type { MessageRow } from './store.ts'

/** From the root to a message, by `parentId`. A parent that is missing, or that closes a circle, ends the way up. */
export function branchOf(messageId: string, find: (id: string) => MessageRow | null): MessageRow[] {
  const rows: MessageRow[] = []
  const seen = new Set<string>()
  for (let id: string | null = messageId; id !== null && !seen.has(id);) {
    seen.add(id)
    const row = find(id)
    if (row) rows.push(row)
    id = row?.parentId ?? null
  }
  return rows.reverse()
}

import { branchOf } from '../branch.ts'
import { jsonBytes, takePage } from '../cursor.ts'
import type { Store, StoredMessage } from '../store.ts'
import { said } from './rows.ts'

/** Messages by their ids, and what stands before them. */
export function memoryBranches(
  find: (id: string) => StoredMessage | null,
): Pick<Store, 'branch' | 'ancestors' | 'getSaid'> {
  const copy = (row: StoredMessage) => structuredClone(said(row))
  return {
    async branch(messageId) {
      return branchOf(messageId, (id) => {
        const row = find(id)
        return row && copy(row)
      })
    },
    async ancestors(messageId, limit) {
      const ids = new Set<string>()
      for (let id: string | null = messageId; id !== null && !ids.has(id) && ids.size < limit;) {
        const row: StoredMessage | null = find(id)
        if (row) ids.add(id)
        id = row?.parentId ?? null
      }
      return [...ids]
    },
    async getSaid(ids, maxBytes) {
      const rows = ids.flatMap((id) => find(id) ?? [])
      const { shown } = takePage(rows, { limit: ids.length, maxBytes }, ({ json }) => (json ? jsonBytes(json) : 0))
      return shown.map(copy)
    },
  }
}

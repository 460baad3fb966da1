import { inSlices } from '../waiting/slices.ts'
import type { SaidMessage } from './store.ts'

/** From the root to a message, by `parentId`. A parent that is missing, or that closes a circle, ends the way up. */
export async function branchOf(messageId: string, find: (id: string) => SaidMessage | null): Promise<SaidMessage[]> {
  // Thousands of messages, or a few large ones, are read in more than one turn of the event loop.
  return await inSlices(branchSteps(messageId, find))
}

function* branchSteps(messageId: string, find: (id: string) => SaidMessage | null): Generator<void, SaidMessage[]> {
  const rows: SaidMessage[] = []
  const seen = new Set<string>()
  for (let id: string | null = messageId; id !== null && !seen.has(id);) {
    seen.add(id)
    const row = find(id)
    if (row) rows.push(row)
    id = row?.parentId ?? null
    yield
  }
  return rows.reverse()
}

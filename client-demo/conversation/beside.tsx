import { isTerminal, type BranchMessage, type ChatMessage } from '@runnel/client'
import { useCall, useChat, useClient } from '@runnel/client/react'
import { Fault } from '../ui/fault.tsx'
import { useWords } from '../words/words.ts'
import { Button } from '../ui/button.tsx'

/** Says that versions which are not on show are still being written, so that people can stop what they do not see. */
export function Besides({ chatId, entry, mayWrite }: { chatId: string; entry: BranchMessage; mayWrite: boolean }) {
  return entry.siblings.length > 1 && <RunsBeside chatId={chatId} entry={entry} mayWrite={mayWrite} />
}

function RunsBeside({ chatId, entry, mayWrite }: { chatId: string; entry: BranchMessage; mayWrite: boolean }) {
  const words = useWords().conversation
  const client = useClient()
  const runs = runsBeside(useChat(chatId).messages, entry)
  const [stop, stopping] = useCall('stop', async (api, ids: string[]) => {
    await Promise.all(ids.map((id) => api.stop(id)))
  })
  const [first] = runs
  if (!first) return null
  return (
    <p className="status-line" data-live="true" data-testid="besides">
      {words.besides(runs.length)}
      <Button look="quiet" onClick={() => client.chat(chatId).branch.choose(first)}>
        {words.show}
      </Button>
      {mayWrite && (
        <Button look="quiet" busy={stopping.pending} onClick={() => void stop(runs)}>
          {words.stop}
        </Button>
      )}
      <Fault error={stopping.error} />
    </p>
  )
}

/** The ids of the runs below the other versions of this message. */
function runsBeside(messages: readonly ChatMessage[], { message, siblings }: BranchMessage): string[] {
  const live = messages.filter(({ role, status }) => role === 'assistant' && !isTerminal(status))
  if (live.length === 0) return []
  const parents = new Map(messages.map(({ id, parentId }) => [id, parentId]))
  const isBeside = (id: string): boolean => {
    for (let above: string | null = id; above !== null; above = parents.get(above) ?? null)
      if (siblings.includes(above)) return above !== message.id
    return false
  }
  return live.map(({ id }) => id).filter(isBeside)
}

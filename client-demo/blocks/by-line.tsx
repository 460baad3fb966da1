import type { Api, By, ToolCallBlock } from '@runnel/client'
import { useClient, useMessage } from '@runnel/client/react'
import { useEffect, useState } from 'react'
import { useWords } from '../words/words.ts'

/** Who decided a call, or gave its result. */
export function ByLine({ call, messageId }: { call: ToolCallBlock; messageId: string }) {
  const by = call.answeredBy ?? call.decidedBy
  return by && <SaidBy by={by} call={call} messageId={messageId} />
}

function SaidBy({ by, call, messageId }: { by: By; call: ToolCallBlock; messageId: string }) {
  const words = useWords().blocks.call.by
  const you = useYou(useMessage(messageId).message?.chatId)
  if (you === undefined) return null
  const what =
    call.answeredBy !== undefined
      ? 'answered'
      : call.status === 'denied'
        ? 'denied'
        : call.originalArguments === undefined
          ? 'approved'
          : 'changed'
  return (
    <p className="tool-by" data-testid="by">
      {you === by.id ? words[`${what}ByYou`] : words[what](by.name)}
    </p>
  )
}

const asked = new WeakMap<Api, Map<string, Promise<string | null>>>()

/** The id that this chat's documents use for the person at this page; null: it cannot be found out. Asked once for each chat. */
function useYou(chatId: string | undefined): string | null | undefined {
  const { api } = useClient()
  const [you, setYou] = useState<string | null>()
  useEffect(() => {
    if (chatId === undefined) return
    let isShown = true
    const known = asked.get(api) ?? new Map<string, Promise<string | null>>()
    asked.set(api, known)
    let answer = known.get(chatId)
    if (!answer) {
      answer = api.listMembers(chatId, { limit: 1 }).then(
        ({ you: { id } }) => id,
        () => null,
      )
      known.set(chatId, answer)
    }
    void answer.then((id) => isShown && setYou(id))
    return () => {
      isShown = false
    }
  }, [api, chatId])
  return you
}

import type { RunnelError } from '@runnel/client'
import { useClient } from '@runnel/client/react'
import { doUnlessUndone } from '../ui/undo.tsx'
import { PerChat, usePerChat } from './store.ts'

/** The message that was shown again because it could not be deleted. */
const failed = new PerChat<{ messageId: string; error: RunnelError }>()

/** Deletes a message with everything that answers it. It is hidden at once, and deleted after a moment unless that is undone. */
export function useRemove(
  chatId: string,
  messageId: string,
): [remove: (said: string) => void, error: RunnelError | null] {
  const client = useClient()
  const failure = usePerChat(failed, chatId, (value) => (value?.messageId === messageId ? value.error : null))
  const remove = (text: string) => {
    failed.set(chatId, null)
    const { branch } = client.chat(chatId)
    const show = branch.hide(messageId)
    const bringBack = () => {
      show()
      branch.choose(messageId)
    }
    doUnlessUndone({
      text,
      takeBack: bringBack,
      perform: () =>
        // It stays hidden, because the document loses it later than this answer arrives.
        void client.api.deleteMessage(messageId).catch((error: RunnelError) => {
          // Somebody else deleted it first.
          if (error.code === 'not_found') return
          failed.set(chatId, { messageId, error })
          bringBack()
        }),
    })
  }
  return [remove, failure]
}

/** The pressed button disappears with its message, so the focus moves to the conversation. */
export function leaveBehind(pressed: HTMLElement | null): void {
  pressed?.closest<HTMLElement>('.scroll')?.focus({ preventScroll: true })
}

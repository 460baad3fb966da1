import { useClient } from '@runnel/client/react'
import { addressOf } from '../address.ts'
import { useCopy, type Copied, type CopyState } from '../ui/copy.ts'
import { Check, Copy, Link, type LucideIcon } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import type { Act } from './acts.tsx'

/** The menu entries that copy a message. `read`: its whole text now, as Markdown. */
export function useCopyActs(chatId: string, messageId: string, read: () => Copied): [acts: Act[], state: CopyState] {
  const words = useWords().conversation
  const [copy, isCopied, state] = useCopy()
  const link = () => new URL(addressOf(chatId, messageId), location.href).href
  const icon: LucideIcon = isCopied ? Check : Copy
  const acts: Act[] = [
    { label: isCopied ? words.copied : words.copy, icon, act: () => copy(read()), inRow: 'always', testId: 'copy' },
    { label: words.copyMarkdown, icon: Copy, act: () => copy(read()) },
    {
      label: words.copyText,
      icon: Copy,
      act: () =>
        copy(Promise.all([import('./plain-text.ts'), read()]).then(([{ plainText }, text]) => plainText(text))),
    },
    { label: words.copyLink, icon: Link, act: () => copy(link()) },
  ]
  return [acts, state]
}

/** The text of an answer now, as Markdown. */
export function useAnswerText(messageId: string): () => string {
  const client = useClient()
  return () => {
    const output = client.message(messageId).getSnapshot().message?.output ?? []
    return output
      .map((block) => (block.type === 'text' || block.type === 'refusal' ? block.text : ''))
      .filter((text) => text !== '')
      .join('\n\n')
  }
}

import { useEffect, useSyncExternalStore } from 'react'
import { drafts } from './drafts.ts'

/** The text that a person has written in a field but not sent. */
export function useDraft(writer: string, chat: string): [text: string, write: (text: string) => void] {
  const text = useSyncExternalStore(drafts.subscribe, () => drafts.read(writer, chat))
  useEffect(() => {
    if (writer !== '') drafts.name(writer, chat)
  }, [writer, chat])
  return [text, (next) => drafts.write(writer, chat, next)]
}

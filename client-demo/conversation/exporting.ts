import { branch, type RunnelError } from '@runnel/client'
import { useBranch, useCall, useChat } from '@runnel/client/react'
import type { Choice } from '../ui/menu.tsx'
import { useWords } from '../words/words.ts'
import { saveFile } from './save-file.ts'

const formats = ['markdown', 'json', 'html'] as const
type Format = (typeof formats)[number]
const extensions: Record<Format, string> = { markdown: 'md', json: 'json', html: 'html' }

/** The menu entries that save a chat as a file: the whole chat, and if it has branches, the one on show. */
export function useExportChoices(chatId: string): [choices: Choice[], error: RunnelError | null] {
  const words = useWords()
  const { chat, messages } = useChat(chatId)
  const { entries } = useBranch(chatId)
  const title = chat?.title || words.list.untitled
  const leaf = entries.at(-1)?.message.id
  const [save, saving] = useCall(`export ${chatId}`, async (api, format: Format, shownLeaf?: string) => {
    const query = { format, ...(shownLeaf !== undefined && { leaf: shownLeaf }) }
    saveFile(
      await api.exportChat(chatId, query),
      `${title.replaceAll(/[\s\\/:*?"<>|\p{Cc}]+/gu, ' ').trim()}.${extensions[format]}`,
    )
  })
  if (leaf === undefined) return [[], null]
  const { exportAll, exportShown } = words.conversation
  const hasBranches = messages.length > branch(messages, leaf).length
  const all = formats.map((format) => ({ label: exportAll[format], act: () => void save(format) }))
  const shown = formats.map((format) => ({ label: exportShown[format], act: () => void save(format, leaf) }))
  return [hasBranches ? [...all, ...shown] : all, saving.error]
}

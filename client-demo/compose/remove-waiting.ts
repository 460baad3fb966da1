import type { Api, JsonObject, WaitingEntry } from '@runnel/client'
import { useCall, useClient } from '@runnel/client/react'
import { doUnlessUndone } from '../ui/undo.tsx'
import { wordsNow } from '../words/words.ts'
import { Attachment } from './attachment.ts'
import { drafts } from './drafts.ts'
import { outboxOf } from './outbox.ts'
import { wholeWaiting } from './waiting-form.tsx'
import { useWriter } from './writer.ts'

/**
 * Removes a waiting message at once, because a message that is only hidden might be sent meanwhile. Undo sends it again, with its
 * words and files, and moves it to its place.
 */
export function useRemoveWaiting(chatId: string) {
  const outbox = outboxOf(useClient())
  const writer = useWriter()
  return useCall(`remove ${chatId}`, async (api, listed: WaitingEntry, after: string | undefined, mayUndo: boolean) => {
    const entry = listed.shortened ? await wholeWaiting(api, chatId, listed.id) : listed
    const files = mayUndo ? await Promise.all((entry.files ?? []).map((file) => fileOf(api, file))) : []
    await api.removeWaiting(chatId, entry.id)
    if (!mayUndo) return true
    const { text, model, tools, params } = entry
    doUnlessUndone({
      text: wordsNow().compose.removed,
      perform: () => {},
      takeBack: () => {
        const written = {
          writer,
          field: chatId,
          chatId,
          text,
          files: files.map((file) => new Attachment(file)),
          models: [],
          request: { model, ...(tools && { tools }), ...(params && { params }) },
          before: after,
        }
        // No room for more on the way: its words are not lost.
        if (!outbox.add(written)) drafts.write(writer, chatId, text)
      },
    })
    return true
  })
}

async function fileOf(api: Api, file: JsonObject): Promise<File> {
  const id = String(file['url']).split('/').at(-1)!
  const bytes = await api.getFile(decodeURIComponent(id))
  return new File([bytes], String(file['name']), { type: bytes.type })
}

import type { Api, JsonObject, WaitingEntry } from '@runnel/client'
import { useCall, useClient } from '@runnel/client/react'
import { doUnlessUndone } from '../ui/undo.tsx'
import { wordsNow } from '../words/words.ts'
import { newKey } from './keys.ts'
import { wholeWaiting } from './waiting-form.tsx'

/**
 * Removes a waiting message at once, because a message that is only hidden might be sent meanwhile. Undo puts it back
 * at its place, with its words and files.
 */
export function useRemoveWaiting(chatId: string) {
  const client = useClient()
  return useCall(`remove ${chatId}`, async (api, listed: WaitingEntry, after: string | undefined, mayUndo: boolean) => {
    const entry = listed.shortened ? await wholeWaiting(api, chatId, listed.id) : listed
    const files = mayUndo ? await Promise.all((entry.files ?? []).map((file) => bytesOf(api, file))) : []
    await api.removeWaiting(chatId, entry.id)
    const words = wordsNow().compose
    if (!mayUndo) return true
    doUnlessUndone({
      text: words.removed,
      perform: () => {},
      takeBack: () => void putBack(client.api, chatId, entry, files, after),
    })
    return true
  })
}

async function bytesOf(api: Api, file: JsonObject): Promise<{ name: string; blob: Blob }> {
  const id = String(file['url']).split('/').at(-1)!
  return { name: String(file['name']), blob: await api.getFile(decodeURIComponent(id)) }
}

async function putBack(
  api: Api,
  chatId: string,
  { text, model, tools, params }: WaitingEntry,
  files: readonly { name: string; blob: Blob }[],
  after: string | undefined,
): Promise<void> {
  const ids: string[] = []
  for (const { name, blob } of files) ids.push((await api.uploadFile(chatId, blob, { name })).id)
  const request = { content: text, model, ...(tools && { tools }), ...(params && { params }), files: ids }
  const { waitingId } = await api.send(chatId, { ...request, whenBusy: 'queue' }, { idempotencyKey: newKey() })
  // The message behind it may have been sent by now.
  if (waitingId !== undefined && after !== undefined)
    await api.changeWaiting(chatId, waitingId, { before: after }).catch(() => {})
}

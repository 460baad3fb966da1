import type { Identity } from '../../auth/auth.ts'
import type { Message } from '../../../shared/schema.ts'
import type { SaidMessage } from '../../store/store.ts'
import { maxPageBytes } from '../page-query.ts'
import type { Services } from '../services.ts'

/** Rows that are read at a time; their text ends before a page's. */
const rowsAtOnce = 50
/** Steps of a branch that are looked up at a time. */
const stepsAtOnce = 500

export interface Exported {
  identity: Identity
  chatId: string
  /** Only its branch. */
  leaf: string | undefined
  services: Pick<Services, 'access' | 'store' | 'messages'>
}

/** In the order of a file, page by page: what is read is no more than a page, and one message. Throws when the right to read is lost on the way. */
export async function* exportedMessages({ identity, chatId, leaf, services }: Exported): AsyncGenerator<Message, void> {
  const { access, store, messages } = services
  for await (const rows of leaf === undefined ? pages(store, chatId) : branch(store, leaf)) {
    await access.chat(identity, chatId)
    for (const row of rows) {
      const message = await messages.find(row)
      if (message) yield message
    }
  }
}

async function* pages(store: Services['store'], chatId: string): AsyncGenerator<SaidMessage[], void> {
  let cursor: string | null = null
  do {
    const page: { items: SaidMessage[]; nextCursor: string | null } = await store.listMessages(chatId, {
      limit: rowsAtOnce,
      maxBytes: maxPageBytes,
      ...(cursor !== null && { cursor }),
    })
    yield page.items
    cursor = page.nextCursor
  } while (cursor !== null)
}

/** From the root on: its ids are known first, upwards. */
async function* branch(store: Services['store'], leaf: string): AsyncGenerator<SaidMessage[], void> {
  const upwards = new Set<string>()
  for (let from: string | undefined = leaf; from !== undefined;) {
    const ids: string[] = await store.ancestors(from, stepsAtOnce)
    const known = upwards.size
    for (const id of ids) upwards.add(id)
    // The last one again, to go on from it; where nothing new came, that was all.
    from = upwards.size > known && ids.length === stepsAtOnce ? ids.at(-1) : undefined
  }
  let ids = [...upwards].reverse()
  while (ids.length > 0) {
    const rows = await store.getSaid(ids.slice(0, rowsAtOnce), maxPageBytes)
    // Deleted meanwhile, with all that answers them.
    if (rows.length === 0) return
    yield rows
    ids = ids.slice(ids.indexOf(rows.at(-1)!.id) + 1)
  }
}

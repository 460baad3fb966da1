import { ask, runnelUrl } from '../../../runnel.js'
import { Chat } from './chat.jsx'

/** What there is of the chat by now, also of an answer that is being written: it stands in the page before any script has run. */
export default async function Page({ params }) {
  const { id } = await params
  const { items } = await ask('GET', `/api/chats/${encodeURIComponent(id)}/messages`)
  return <Chat url={runnelUrl} chatId={id} first={items} />
}

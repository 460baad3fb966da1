import { memo, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { isTerminal, type BranchMessage } from '@runnel/client'
import { RunnelProvider, useBranch, useMessage, useRegenerate, useSend, useStop } from '@runnel/client/react'
import { BlockMarkdown } from '@runnel/client/react/markdown'

const Answer = memo(({ entry, choose }: { entry: BranchMessage; choose: (id: string) => void }) => {
  const { siblings, index } = entry
  const { id } = entry.message
  const { message, blocks } = useMessage(id)
  const [stop, stopping] = useStop(id)
  const [again, asking] = useRegenerate(id)
  const isOver = !message || isTerminal(message.status)
  const texts = blocks.filter(({ type }) => type === 'text')
  const next = siblings[(index + 1) % siblings.length]!
  return (
    <article data-status={message?.status}>
      {texts.map((block) => (
        <BlockMarkdown key={block.id} messageId={id} blockId={block.id} />
      ))}
      {message?.error && <p role="alert">{message.error.message}</p>}
      <Button press={stop} busy={isOver || stopping.pending} name="Stop" />
      <Button press={again} busy={!isOver || asking.pending} name="Again" />
      {siblings.length > 1 && <Button press={() => choose(next)} name={`${index + 1}/${siblings.length}`} />}
    </article>
  )
})

const Button = ({ press, busy = false, name }: { press: () => unknown; busy?: boolean; name: string }) => (
  <button disabled={busy} onClick={() => void press()} children={name} />
)

const Chat = ({ id }: { id: string }) => {
  const { entries, choose } = useBranch(id)
  return entries.map((entry) => {
    const { id, role, text } = entry.message
    return role === 'user' ? <h2 key={id}>{text}</h2> : <Answer key={id} entry={entry} choose={choose} />
  })
}

function App() {
  const [chatId, setChatId] = useState(location.hash.slice(1) || null)
  const [send, { pending, error }] = useSend(chatId)
  const ask = async (form: FormData) => {
    const sent = await send(form.get('words') as string)
    if (sent) setChatId((location.hash = sent.chatId))
  }
  return (
    <main>
      {chatId && <Chat id={chatId} />}
      {error && <p role="alert">{error.message}</p>}
      <form action={ask}>
        <input name="words" required aria-label="Question" />
        <button disabled={pending}>Send</button>
      </form>
    </main>
  )
}

createRoot(document.querySelector('#root')!).render(<RunnelProvider children={<App />} />)

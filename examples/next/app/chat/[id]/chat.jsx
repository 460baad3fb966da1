'use client'
import { useState, useSyncExternalStore } from 'react'
import { connect, isTerminal } from '@runnel/client'

/** One line for the whole tab. A server opens none: nobody listens there. */
let client
const clientAt = (url) => (client ??= connect({ url }))

/** What `live` shows, or `first` until it has come: on the server, while React takes over its page, and until the line is open. */
function useLive(open, read, first) {
  const [live] = useState(() => (typeof window === 'undefined' ? null : open()))
  return useSyncExternalStore(
    (listener) => live.subscribe(listener),
    () => read(live.getSnapshot()) ?? first,
    () => first,
  )
}

export function Chat({ url, chatId, first }) {
  const branch = useLive(
    () => clientAt(url).chat(chatId).branch,
    (entries) => (entries.length > 0 ? entries : null),
    null,
  )
  const shown = branch
    ? branch.map(({ message }) => ({ ...message, first: first.find(({ id }) => id === message.id) }))
    : first.map((message) => ({ id: message.id, role: message.role, first: message }))
  return (
    <main>
      {shown.map((message) =>
        message.role === 'user' ? (
          <p key={message.id} data-role="user">
            <b>{message.text ?? textOf(message.first)}</b>
          </p>
        ) : (
          <Answer key={message.id} url={url} id={message.id} first={message.first ?? null} />
        ),
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const form = event.currentTarget
          void clientAt(url)
            .api.send(chatId, { content: new FormData(form).get('question') })
            .then(() => form.reset())
        }}
      >
        <input name="question" required placeholder="Ask something" /> <button>Ask</button>
      </form>
    </main>
  )
}

function Answer({ url, id, first }) {
  const message = useLive(
    () => clientAt(url).message(id),
    (snapshot) => snapshot.message,
    first,
  )
  if (message === null) return null
  return (
    <div data-role="assistant" data-status={message.status}>
      <p style={{ whiteSpace: 'pre-wrap' }}>{textOf(message)}</p>
      {!isTerminal(message.status) && <button onClick={() => void clientAt(url).api.stop(id)}>Stop</button>}
    </div>
  )
}

function textOf(message) {
  return message.output.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

import { redirect } from 'next/navigation'
import { ask } from '../runnel.js'

async function begin(form) {
  'use server'
  const chat = await ask('POST', '/api/chats', {})
  await ask('POST', `/api/chats/${chat.id}/messages`, { content: form.get('question') })
  redirect(`/chat/${chat.id}`)
}

export default function Page() {
  return (
    <form action={begin}>
      <input name="question" required placeholder="Ask something" /> <button>Ask</button>
    </form>
  )
}

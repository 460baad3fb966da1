/** The files of one request to a provider have a bound in all: the newest go, the others are named. */
import { expect, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { answer } from '../../testing/index.ts'
import { startWithFake } from '../http/server.ts'

/** So many bytes that begin as a GIF does. */
function gif(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  bytes.set(Buffer.from('GIF89a\x01\x00\x01\x00\x80\x00\x00'))
  return bytes
}

test('the newest of all questions go; the others are named to the model, and the answer says so', async () => {
  const { server, fake } = await startWithFake(
    { RUNNEL_OPENAI_API: 'chat', RUNNEL_MAX_FILE_BYTES_PER_REQUEST: 1_000 },
    { fallback: answer({ text: 'Seen.' }) },
  )
  const chatId = (await server.call('POST', '/api/chats', {})).body.id as string
  const upload = async (name: string, content: BlobPart): Promise<string> => {
    const form = new FormData()
    form.append('chatId', chatId)
    form.append('file', new Blob([content]), name)
    return ((await (await fetch(`${server.url}/api/files`, { method: 'POST', body: form })).json()) as { id: string })
      .id
  }
  const ask = async (content: string, ...files: string[]): Promise<Message> =>
    (await server.call('POST', `/api/chats/${chatId}/messages`, { content, files, stream: false })).body
  /** What the last request encloses, and what it only names for want of room. */
  const sent = () => {
    const parts = (fake.requests.at(-1)!.body.messages as { content: unknown }[])
      .flatMap(({ content }) => (Array.isArray(content) ? (content as { type: string; text?: string }[]) : []))
      .map(({ type, text }) => (type === 'text' ? text! : type))
    return {
      images: parts.filter((part) => part === 'image_url').length,
      named: parts.flatMap((part) => /^Attached file "(.+)" \(.*no room/.exec(part)?.[1] ?? []),
      texts: parts.flatMap((part) => /^Attached file "(.+\.txt)"[^]*:\n\n([^]*)/.exec(part)?.slice(1) ?? []),
    }
  }
  const notes = ({ output }: Message) => output.filter(({ type }) => type === 'error')

  const first = await ask('One?', await upload('old.gif', gif(500)), await upload('old.txt', 'o'.repeat(300)))
  expect([sent(), notes(first)]).toEqual([{ images: 1, named: [], texts: ['old.txt', 'o'.repeat(300)] }, []])

  // A text gets what is left; an image that does not fit makes way for a smaller one that is older.
  const second = await ask('Two?', await upload('new.gif', gif(600)))
  expect(sent()).toEqual({ images: 1, named: ['old.gif'], texts: ['old.txt', 'o'.repeat(300)] })
  expect(notes(second)).toMatchObject([
    {
      code: 'too_large',
      message: expect.stringMatching(
        /^Of the attached files "old\.gif" the model got only .*RUNNEL_MAX_FILE_BYTES_PER_REQUEST/,
      ),
    },
  ])
  await ask('Three?', await upload('small.gif', gif(250)))
  expect(sent()).toEqual({ images: 2, named: ['old.gif'], texts: ['old.txt', 'o'.repeat(150)] })
  const fourth = await ask('Four?', await upload('whole.gif', gif(1_000)), await upload('late.txt', 'late'))
  expect(sent()).toEqual({ images: 1, named: ['old.gif', 'old.txt', 'new.gif', 'small.gif', 'late.txt'], texts: [] })
  expect(notes(fourth)).toMatchObject([
    { message: expect.stringContaining('"new.gif", "small.gif", "late.txt" and 2 more') },
  ])
  // Nothing of the one that is too large alone.
  await ask('Five?', await upload('huge.gif', gif(1_001)))
  expect(sent()).toEqual({
    images: 1,
    named: ['old.gif', 'old.txt', 'new.gif', 'small.gif', 'late.txt', 'huge.gif'],
    texts: [],
  })
})

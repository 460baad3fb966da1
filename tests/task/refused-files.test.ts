/** A file that the model refuses is named, and later questions of the chat go without it. */
import { expect, test } from 'vitest'
import { RunnelError } from '../../shared/errors.ts'
import type { PromptItem } from '../../server/provider/events.ts'
import { refusedFile, type SentFile } from '../../server/task/refused-files.ts'
import type { Message } from '../../shared/schema.ts'
import { answer, httpError, type ReceivedRequest } from '../../testing/index.ts'
import { startWithFake } from '../http/server.ts'

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const sends = ({ body }: ReceivedRequest, what: string) => JSON.stringify(body.messages ?? body.input).includes(what)

async function chat(settings: object = {}, says = 'Could not process image.') {
  const { server, fake } = await startWithFake(
    { RUNNEL_MODEL: 'm', RUNNEL_OPENAI_API: 'chat', ...settings },
    {
      fallback: (request) =>
        request.body.model !== 'seeing' && sends(request, 'image/png;base64')
          ? httpError(400, says)
          : answer({ text: 'Fine.' }),
    },
  )
  const chatId = (await server.call('POST', '/api/chats', {})).body.id as string
  const upload = async (name: string, content: BlobPart = png): Promise<string> => {
    const form = new FormData()
    form.append('chatId', chatId)
    form.append('file', new Blob([content]), name)
    return ((await (await fetch(`${server.url}/api/files`, { method: 'POST', body: form })).json()) as { id: string })
      .id
  }
  const call = async (method: string, path: string, fields: object): Promise<Message> => {
    const { body } = await server.call(method, path, { stream: false, ...fields })
    return body.error?.details?.message ?? body
  }
  const ask = (content: string, fields: object = {}) =>
    call('POST', `/api/chats/${chatId}/messages`, { content, ...fields })
  return { server, fake, upload, ask, call, last: () => fake.requests.at(-1)! }
}

test.each(['chat', 'responses'])('%s: it is named, and the next question is answered without it', async (api) => {
  const { fake, upload, ask, call, last } = await chat({ RUNNEL_OPENAI_API: api })
  const photo = await upload('photo.png')
  const notes = await upload('notes.txt', 'Buy milk.')
  const refused = await ask('What is this?', { files: [photo, notes] })
  expect(refused).toMatchObject({ status: 'failed', error: { code: 'provider_rejected' } })
  expect(refused.error!.message).toMatch(/Could not process image\. This concerns the attached file "photo\.png"/)
  // In the same answer, anew, and in other words: each goes without it, and says so once.
  const paths: [string, string, object][] = [
    ['POST', `/api/messages/${refused.id}/continue`, {}],
    ['POST', `/api/messages/${refused.id}/regenerate`, {}],
    ['PATCH', `/api/messages/${refused.parentId}`, { content: 'What is that?' }],
  ]
  let edited: Message | undefined
  for (const [method, path, fields] of paths) {
    edited = await call(method, path, fields)
    expect(edited.status, path).toBe('completed')
    expect(edited.output.filter(({ type }) => type === 'error')).toMatchObject([
      { message: expect.stringMatching(/"photo\.png" was left out.*Could not process image/) },
    ])
    expect(sends(last(), 'base64')).toBe(false)
    expect(sends(last(), 'left out because')).toBe(true)
    expect(sends(last(), 'Buy milk.')).toBe(true)
  }
  const later = await ask('And now?')
  expect(later).toMatchObject({ status: 'completed' })
  expect(sends(last(), 'base64')).toBe(false)
  // An edit of an edit; and another model, which may take it.
  expect(await call('PATCH', `/api/messages/${edited!.parentId}`, { content: 'Which?' })).toMatchObject({
    status: 'completed',
  })
  expect(sends(last(), 'base64')).toBe(false)
  expect(await ask('And you?', { model: 'seeing' })).toMatchObject({ status: 'completed' })
  expect(sends(last(), 'base64')).toBe(true)
  expect(fake.requests).toHaveLength(7)
})

test('what is refused for something else leaves the files alone', async () => {
  const { upload, ask, last } = await chat({}, 'max_tokens is larger than this model takes.')
  const refused = await ask('What is this?', { files: [await upload('photo.png')] })
  expect(refused.error!.message).not.toContain('photo.png')
  await ask('And now?')
  expect(sends(last(), 'base64')).toBe(true)
})

const part = (n: number) => ({ type: 'image_url', image_url: { url: `data:image/png;base64,${n}` } })
const file = (n: number, isNew: boolean, mimeType = 'image/png'): SentFile => ({
  id: `file_${n}`,
  questionId: 'q',
  name: `file-${n}.${mimeType.split('/')[1]}`,
  mimeType,
  part: part(n),
  isNew,
})
const files = [file(0, false), file(1, true), file(2, true, 'image/webp'), file(3, true, 'text/plain')]
const prompt: PromptItem[] = [
  { role: 'system', text: 'S' },
  { role: 'user', text: 'Q', parts: [{ type: 'text', text: 'Attached' }, files[0]!.part] },
  { role: 'assistant', text: '', toolCalls: [{ callId: 'c', name: 'f', arguments: '', output: '' }] },
  { role: 'user', text: '', parts: [files[1]!.part, files[2]!.part, files[3]!.part] },
]

test.each<[string, number | null, boolean?, object?]>([
  ['Could not read file-0.png.', 0, true],
  ['Invalid value: messages[1].content[2].image_url.url', 0, true],
  ["Invalid 'messages.[4].content.[1].image_url'.", 2, true],
  ['image/webp is not supported.', 2, true],
  ['This model does not support images.', 2, false],
  ['The document is too large.', 3, false],
  ['Request entity too large.', 3, false, { status: 413 }],
  ['Invalid request.', 3, false],
  ["This model's maximum context length is 8192 tokens.", null],
  ['Unknown name "reasoning": Cannot find field.', null],
  ['Could not process image.', null, undefined, { status: 500 }],
])('%s', (words, expected, isSure, details = { status: 400 }) => {
  const found = refusedFile(files, prompt, new RunnelError('provider_rejected', words, { details }))
  expect(found ? [found.file.id, found.isSure] : null).toEqual(expected === null ? null : [files[expected]!.id, isSure])
})

test.each<[words: string, names: string[], expected: string | null, isSure?: boolean]>([
  ['Could not read "a.png".', ['a.png', 'b.png'], 'a.png', true],
  ['Could not read /tmp/a.png: broken', ['a.png', 'b.png'], 'a.png', true],
  ['Could not read my notes (1).txt.', ['my notes (1).txt', 'b.png'], 'my notes (1).txt', true],
  // Within other words it is no name.
  ['Could not read data.png.', ['a.png', 'b.png'], 'b.png', false],
  ['Could not read my-a.png.', ['a.png', 'b.png'], 'b.png', false],
  ['Could not read a.png.exe.', ['a.png', 'b.png'], 'b.png', false],
  ['Could not read a.png: it is no a.pngx.', ['a.png', 'b.png'], 'a.png', true],
  ['gpt-4.1 takes no such image.', ['4.1', 'b.png', 'c.png'], 'c.png', false],
  // What could be any word counts where no other reason is given.
  ['The temperature is too high.', ['temperature'], null],
  ['This image is broken.', ['image', 'b.png', 'c.png'], 'c.png', false],
  ['Could not read report.', ['report', 'b.txt'], 'report', false],
  ['Could not read reports.', ['report', 'b.txt'], 'b.txt', false],
])('%s %j', (words, names, expected, isSure) => {
  const sent = names.map((name, i) => ({ ...file(i, true, name.endsWith('.png') ? 'image/png' : 'text/plain'), name }))
  const found = refusedFile(sent, [], new RunnelError('provider_rejected', words, { details: { status: 400 } }))
  expect(found ? [found.file.name, found.isSure] : null).toEqual(expected === null ? null : [expected, isSure])
})

test('a file that was answered to before is not blamed without a word', () => {
  const failure = (words: string) => new RunnelError('provider_rejected', words, { details: { status: 400 } })
  expect(refusedFile([file(0, false)], prompt, failure('Invalid request.'))).toBeNull()
  expect(refusedFile([file(0, false)], prompt, failure('Invalid image.'))?.file.id).toBe('file_0')
})

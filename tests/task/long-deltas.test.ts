/** A delta that is so long that its filter pauses: what follows waits for it, and Stop does not. */
import { expect, test } from 'vitest'
import type { Filter } from '../../server/extension/filter.ts'
import { redaction } from '../../server/extension/redaction.ts'
import type { Message } from '../../shared/schema.ts'
import { answer } from '../../testing/index.ts'
import { startWithFake } from '../http/server.ts'

const secret = `sk-${'a'.repeat(24)}`
const secrets = () => redaction({ patterns: [{ pattern: /sk-[A-Za-z0-9]{20,}/, replacement: '[key]' }] })
const textOf = ({ output }: Message) => output.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('|')

test('comes before what follows it, and a secret that both share is found', async () => {
  const { server, fake } = await startWithFake({ RUNNEL_MODEL: 'm', filters: [secrets()] })
  const long = `${`${secret} aaaa `.repeat(30_000)}${secret.slice(0, 10)}`
  fake.enqueue(answer({ text: [long, secret.slice(10), ' and', ' on.'] }))
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const { body } = await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', stream: false })
  expect(textOf(body as Message)).toBe(`${'[key] aaaa '.repeat(30_000)}[key] and on.`)
})

test('is dropped at a Stop, which comes at once', async () => {
  const reached = Promise.withResolvers<void>()
  const watch: Filter = {
    name: 'watch',
    stream: () => (event) => {
      if (event.type === 'delta' && event.text.length > 10) reached.resolve()
      return event
    },
  }
  const { server, fake } = await startWithFake({ RUNNEL_MODEL: 'm', filters: [watch, secrets()] })
  fake.enqueue(answer({ text: ['One. ', 'never '.repeat(1_500_000)] }))
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const { messageId } = (await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q' })).body
  await reached.promise
  expect((await server.call('POST', `/api/messages/${messageId}/stop`, {})).body.status).toBe('stopped')
  const message = (await server.call('GET', `/api/messages/${messageId}`)).body as Message
  expect(message.status).toBe('stopped')
  expect(textOf(message)).toBe('One. ')
})

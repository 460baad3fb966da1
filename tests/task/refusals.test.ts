/** What a filter refuses is said as it says it. */
import { expect, test } from 'vitest'
import type { Filter } from '../../server/extension/filter.ts'
import type { ToolSource } from '../../server/extension/tool.ts'
import { createLogger } from '../../server/operation/log.ts'
import { errorCodes, errorRow, RunnelError, type ErrorCode } from '../../shared/errors.ts'
import { startWithFake } from '../http/server.ts'

type Part = 'inlet' | 'stream' | 'stream, later' | 'outlet'

function filterOf(part: Part, error: Error, more: Partial<Filter> = {}): Filter {
  const no = () => {
    throw error
  }
  const later = async () => await Promise.reject<never>(error)
  const parts: Record<Part, Partial<Filter>> = {
    inlet: { inlet: no },
    stream: { stream: () => no },
    'stream, later': { stream: () => later },
    outlet: { outlet: no },
  }
  return { name: 'guard', ...more, ...parts[part] }
}

async function ask(settings: Parameters<typeof startWithFake>[0]) {
  const lines: string[] = []
  const logger = createLogger('error', { write: (line) => void lines.push(line) })
  const { server, fake } = await startWithFake({ logger, ...settings })
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const api = await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', stream: false })
  const door = await server.call('POST', '/v1/chat/completions', { messages: [{ role: 'user', content: 'Q' }] })
  return { api, door, fake, errors: lines.length }
}

const refusals = errorCodes.filter((code) => errorRow(code).http < 500)
const parts = ['inlet', 'stream', 'stream, later', 'outlet'] as const

test.each(
  parts.flatMap((part) =>
    (['rate_limited', 'forbidden', 'content_filtered'] as const).map((code) => [part, code] as const),
  ),
)('what a filter refuses in its %s with %s is that, with its words', async (part, code) => {
  const refusal = new RunnelError(code, 'Not today.')
  const { api, door, errors } = await ask({ filters: [filterOf(part, refusal, { onError: 'skip' })] })
  const { http, retryable } = errorRow(code)
  expect(api).toMatchObject({
    status: http,
    body: {
      error: {
        code,
        message: 'Not today.',
        details: { message: { status: 'failed', error: { code, message: 'Not today.', retryable } } },
      },
    },
  })
  expect(door).toMatchObject({ status: http, body: { error: { code, message: 'Not today.' } } })
  expect(errors).toBe(0)
})

test('every code below 500 is a refusal, and none of the others', async () => {
  let code: ErrorCode = 'internal'
  const guard: Filter = {
    name: 'guard',
    inlet: () => {
      throw new RunnelError(code, 'Not today.')
    },
  }
  const { server } = await startWithFake({ LOG_LEVEL: 'silent', filters: [guard] })
  const { id } = (await server.call('POST', '/api/chats', {})).body
  for (code of errorCodes.filter((code) => code !== 'message_too_large')) {
    const { status, body } = await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', stream: false })
    if (refusals.includes(code))
      expect([status, body.error.code, body.error.message]).toEqual([errorRow(code).http, code, 'Not today.'])
    else
      expect([status, body.error.code, body.error.message]).toEqual([
        500,
        'filter_failed',
        'The filter guard failed: Not today.',
      ])
  }
})

test('a source of tools refuses, too', async () => {
  const source: ToolSource = {
    name: 'source',
    list: () => Promise.reject(new RunnelError('forbidden', 'Not for you.')),
    close: async () => {},
  }
  const { api, fake } = await ask({ tools: [source] })
  expect(api).toMatchObject({ status: 403, body: { error: { code: 'forbidden', message: 'Not for you.' } } })
  expect(fake.requests).toHaveLength(1)
})

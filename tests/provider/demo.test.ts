import { describe, expect, test } from 'vitest'
import { demoProvider } from '../../server/provider/demo.ts'
import type { PromptItem, ProviderEvent } from '../../server/provider/events.ts'
import { collect, foldEvents, type FoldedMessage } from '../helpers/fold-events.ts'

const atOnce = demoProvider({ tokensPerSecond: Infinity })

async function ask(text: string, ...more: PromptItem[]): Promise<FoldedMessage> {
  const prompt: PromptItem[] = [{ role: 'user', text }, ...more]
  return foldEvents(await collect(atOnce({ model: 'demo', prompt }, new AbortController().signal)))
}

describe('the demo provider', () => {
  test('answers with reasoning and Markdown, the same each time', async () => {
    const { blocks, finishReason, usage } = await ask('Hello')
    expect(blocks.map(block => block.type)).toEqual(['reasoning', 'text'])
    const text = blocks[1]!.type === 'text' ? blocks[1]!.text : ''
    for (const part of ['# How', '|---|', '```ts', '👩🏽‍💻']) expect(text).toContain(part)
    expect(finishReason).toBe('stop')
    expect(usage!.outputTokens).toBeGreaterThan(200)
    expect((await ask('Hello')).blocks[1]).toMatchObject({ text })
  })

  test('"long" is about 3,000 tokens', async () => {
    const { usage } = await ask('a LONG one')
    expect(usage!.outputTokens).toBeGreaterThan(2500)
    expect(usage!.outputTokens).toBeLessThan(3600)
  })

  test('"tool" hands a call back, and speaks of its result', async () => {
    const { blocks, finishReason } = await ask('use a tool')
    expect(blocks.at(-1)).toMatchObject({ type: 'tool_call', name: 'get_weather', status: 'pending', executor: 'client' })
    expect(finishReason).toBe('tool_calls')
    const toolCalls = [{ callId: 'c', name: 'get_weather', arguments: '{}', output: '21 degrees' }]
    const after = await ask('use a tool', { role: 'assistant', text: '', toolCalls })
    expect(after.blocks).toMatchObject([{ type: 'text', text: expect.stringContaining('21 degrees') }])
  })

  test('"error" fails in the middle and keeps the text', async () => {
    const { status, errorCode, blocks } = await ask('an error please')
    expect([status, errorCode]).toEqual(['failed', 'provider_error'])
    expect(blocks).toMatchObject([{ type: 'text', status: 'incomplete', text: expect.stringMatching(/^This answer/) }])
  })

  test('keeps its pace', async () => {
    const startedAt = performance.now()
    const events = demoProvider({ tokensPerSecond: 200 })({ model: 'demo', prompt: [{ role: 'user', text: 'tool' }] }, new AbortController().signal)
    const { usage } = foldEvents(await collect(events))
    expect(performance.now() - startedAt).toBeGreaterThan((usage!.outputTokens - 2) * 5)
  })

  test('ends at once when it is stopped', async () => {
    const controller = new AbortController()
    const reason = new Error('stop')
    const events: AsyncIterator<ProviderEvent> = demoProvider({ tokensPerSecond: 1 })(
      { model: 'demo', prompt: [{ role: 'user', text: 'slow' }] }, controller.signal)[Symbol.asyncIterator]()
    await events.next()
    await events.next()
    const next = events.next()
    const at = performance.now()
    controller.abort(reason)
    await expect(next).rejects.toBe(reason)
    expect(performance.now() - at).toBeLessThan(50)
  })
})

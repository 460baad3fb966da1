import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import { demoProvider } from '../../server/provider/demo.ts'
import type { PromptItem, ProviderEvent } from '../../server/provider/events.ts'
import type { ToolCallBlock } from '../../shared/schema.ts'
import { collect, foldEvents, type FoldedMessage } from '../helpers/fold-events.ts'

const atOnce = demoProvider({ tokensPerSecond: Infinity })

async function ask(text: string, ...more: PromptItem[]): Promise<FoldedMessage> {
  const prompt: PromptItem[] = [{ role: 'user', text }, ...more]
  return foldEvents(await collect(atOnce({ model: 'demo', prompt }, new AbortController().signal)))
}

describe('the demo provider', () => {
  test('answers with reasoning and Markdown, the same each time', async () => {
    const { blocks, finishReason, usage } = await ask('Hello')
    expect(blocks.map((block) => block.type)).toEqual(['reasoning', 'text'])
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
    expect(blocks.at(-1)).toMatchObject({
      type: 'tool_call',
      name: 'get_weather',
      status: 'pending',
      executor: 'client',
    })
    expect(finishReason).toBe('tool_calls')
    const toolCalls = [{ callId: 'c', name: 'get_weather', arguments: '{}', output: '21 degrees' }]
    const after = await ask('use a tool', { role: 'assistant', text: '', toolCalls })
    expect(after.blocks).toMatchObject([{ type: 'text', text: expect.stringContaining('21 degrees') }])
  })

  test('"tool" calls a tool that is there, by its name or the first, with arguments of its schema', async () => {
    const tools = [
      defineTool({
        name: 'roll',
        description: 'Rolls',
        parameters: z.object({ sides: z.int().min(2), of: z.enum(['wood', 'bone']), note: z.string().optional() }),
      }),
      defineTool({
        name: 'send',
        description: 'Sends',
        parameters: z.object({
          to: z.email(),
          lines: z.array(z.string()).min(1),
          urgent: z.boolean(),
          when: z.object({ day: z.iso.date() }),
          by: z.string().default('post'),
        }),
      }),
    ]
    const call = async (text: string) => {
      const definitions = tools.map(({ name, parameters }) => ({ type: 'function', name, parameters }))
      const { blocks } = foldEvents(
        await collect(
          atOnce({ model: 'demo', prompt: [{ role: 'user', text }], tools: definitions }, new AbortController().signal),
        ),
      )
      const { name, arguments: args } = blocks.at(-1) as ToolCallBlock
      return [name, JSON.parse(args), await tools.find((tool) => tool.name === name)!.check(JSON.parse(args))]
    }
    const sent = { to: 'ada@example.com', lines: ['lines'], urgent: true, when: { day: '2026-01-01' } }
    expect(await call('use a tool')).toEqual(['roll', { sides: 2, of: 'wood' }, { sides: 2, of: 'wood' }])
    expect(await call('use the tool Send')).toEqual(['send', sent, { ...sent, by: 'post' }])
  })

  test('"error" fails in the middle and keeps the text', async () => {
    const { status, errorCode, blocks } = await ask('an error please')
    expect([status, errorCode]).toEqual(['failed', 'provider_error'])
    expect(blocks).toMatchObject([{ type: 'text', status: 'incomplete', text: expect.stringMatching(/^This answer/) }])
  })

  test('keeps its pace', async () => {
    const startedAt = performance.now()
    const events = demoProvider({ tokensPerSecond: 200 })(
      { model: 'demo', prompt: [{ role: 'user', text: 'tool' }] },
      new AbortController().signal,
    )
    const { usage } = foldEvents(await collect(events))
    expect(performance.now() - startedAt).toBeGreaterThan((usage!.outputTokens - 2) * 5)
  })

  test('ends at once when it is stopped', async () => {
    const controller = new AbortController()
    const reason = new Error('stop')
    const events: AsyncIterator<ProviderEvent> = demoProvider({ tokensPerSecond: 1 })(
      { model: 'demo', prompt: [{ role: 'user', text: 'slow' }] },
      controller.signal,
    )[Symbol.asyncIterator]()
    await events.next()
    await events.next()
    const next = events.next()
    const at = performance.now()
    controller.abort(reason)
    await expect(next).rejects.toBe(reason)
    expect(performance.now() - at).toBeLessThan(50)
  })
})

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mcpServer } from '../../server/extension/mcp.ts'
import type { ToolSource } from '../../server/extension/tool.ts'
import { freePort } from '../helpers/programs.ts'
import { call, seeingContext, toolOf } from './mcp-context.ts'

const everything = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/server-everything/dist/index.js', import.meta.url),
)
const never = new AbortController().signal

async function startHttp(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [everything, 'streamableHttp'], {
    env: { PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.resume()
  for await (const chunk of child.stderr) if (String(chunk).includes('listening')) break
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

describe.each(['stdio', 'streamable HTTP'])('the reference server by %s', (kind) => {
  let source: ToolSource
  let child: ChildProcess | undefined

  beforeAll(async () => {
    if (kind === 'stdio') {
      source = mcpServer({ name: 'all', command: process.execPath, args: [everything, 'stdio'] })
      return
    }
    const port = await freePort()
    child = await startHttp(port)
    source = mcpServer({ name: 'all', url: `http://127.0.0.1:${port}/mcp` })
  })

  afterAll(async () => {
    await source.close()
    if (child !== undefined) await end(child)
  })

  test('lists its tools', async () => {
    const tools = await source.list(never)
    expect(tools.map((tool) => tool.name)).toEqual(
      expect.arrayContaining(['all_echo', 'all_get-sum', 'all_get-tiny-image']),
    )
    expect(tools.find((tool) => tool.name === 'all_echo')).toMatchObject({
      description: 'Echoes back the input string',
      parameters: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
    })
  })

  test('echoes, adds and refuses', async () => {
    expect(await call(source, 'all_echo', { message: 'Grüße 🌊' })).toBe('Echo: Grüße 🌊')
    expect(await call(source, 'all_get-sum', { a: 2, b: 3 })).toBe('The sum of 2 and 3 is 5.')
    await expect((await toolOf(source, 'all_get-sum')).check({ a: 'two', b: 3 })).rejects.toThrow(
      'data/a must be number',
    )
    await expect(call(source, 'all_get-sum', { a: 'two', b: 3 })).rejects.toThrow(/expected number|Invalid/)
  })

  test('shows an image', async () => {
    const { context, seen } = seeingContext()
    const output = await call(source, 'all_get-tiny-image', {}, context)
    expect(output).toContain('(The file get-tiny-image.png, image/png, is shown to the reader.)')
    expect(seen.files).toHaveLength(1)
    expect(seen.files[0]).toMatchObject({ mimeType: 'image/png' })
    const { data } = seen.files[0] as unknown as { data: Buffer }
    expect(data.subarray(1, 4).toString()).toBe('PNG')
  })

  test('tells its progress', async () => {
    const { context, seen } = seeingContext()
    expect(await call(source, 'all_trigger-long-running-operation', { duration: 0.2, steps: 4 }, context)).toContain(
      'completed',
    )
    // The SDK drops the last one where it comes together with the result.
    expect(seen.progress.slice(0, 3)).toEqual(['1 of 4', '2 of 4', '3 of 4'])
  })

  test('answers with structured content and links', async () => {
    const { context, seen } = seeingContext()
    expect(JSON.parse(await call(source, 'all_get-structured-content', { location: 'Chicago' }))).toEqual({
      temperature: 36,
      conditions: 'Light rain / drizzle',
      humidity: 82,
    })
    expect(await call(source, 'all_get-resource-links', { count: 2 }, context)).toContain('Text Resource 2: demo://')
    expect(seen.sources).toHaveLength(2)
  })

  test('is stopped at once', async () => {
    const run = new AbortController()
    const { context } = seeingContext(run.signal)
    const waiting = (await toolOf(source, 'all_trigger-long-running-operation')).execute!(
      { duration: 60, steps: 600 },
      context,
    ) as Promise<string>
    await expect.poll(() => call(source, 'all_echo', { message: 'still there' })).toContain('still there')
    const stoppedAt = performance.now()
    run.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
    expect(performance.now() - stoppedAt).toBeLessThan(100)
  })
})

describe('a server on HTTP', () => {
  test('is told the end of the session', async () => {
    const port = await freePort()
    const child = await startHttp(port)
    const log: string[] = []
    child.stdout!.on('data', (chunk) => log.push(String(chunk)))
    const source = mcpServer({ name: 'web', url: `http://127.0.0.1:${port}/mcp` })
    try {
      await source.list(never)
      await source.close()
      await expect.poll(() => log.join('')).toContain('Received session termination request')
    } finally {
      await source.close()
      await end(child)
    }
  })

  test('that dies in the middle of a call fails it, and is found again', async () => {
    const port = await freePort()
    let child = await startHttp(port)
    const source = mcpServer({
      name: 'web',
      url: `http://127.0.0.1:${port}/mcp`,
      headers: { authorization: 'Bearer sk-secret-1' },
    })
    try {
      const { context, seen } = seeingContext()
      const waiting = call(source, 'web_trigger-long-running-operation', { duration: 60, steps: 600 }, context)
      const refused = expect(waiting).rejects.toThrow(/^The MCP server web is gone/)
      await expect.poll(() => seen.progress.length).toBeGreaterThan(0)
      await end(child)
      await refused

      child = await startHttp(port)
      expect(await call(source, 'web_echo', { message: 'hello' })).toBe('Echo: hello')
      // Restarted while nothing ran: its sessions are forgotten.
      await end(child)
      child = await startHttp(port)
      expect(await call(source, 'web_echo', { message: 'hello' })).toBe('Echo: hello')
    } finally {
      await source.close()
      await end(child)
    }
  })
})

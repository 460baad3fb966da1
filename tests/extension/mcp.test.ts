import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { mcpServer, type McpServerOptions } from '../../server/extension/mcp.ts'
import { waitAfter } from '../../server/extension/mcp-connection.ts'
import type { ToolSource } from '../../server/extension/tool.ts'
import { call, seeingContext, toolOf } from './mcp-context.ts'

const recorderFile = fileURLToPath(new URL('mcp-recorder.ts', import.meta.url))
const never = new AbortController().signal
const sources: ToolSource[] = []

function recorder(options: McpServerOptions = {}, env: Record<string, string> = {}): ToolSource {
  return kept(mcpServer({ name: 'rec', command: process.execPath, args: [recorderFile], env }, options))
}

function kept(source: ToolSource): ToolSource {
  sources.push(source)
  return source
}

const namesOf = async (source: ToolSource) => (await source.list(never)).map((tool) => tool.name)
const report = async (source: ToolSource) =>
  JSON.parse(await call(source, 'rec_report')) as {
    cancelled: number[]
    lists: number
    pid: number
    secret: string | null
  }

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

afterEach(async () => {
  await Promise.all(sources.splice(0).map((source) => source.close()))
})

describe('the tools of an MCP server', () => {
  test('have names that providers take, each its own, and object schemas', async () => {
    const tools = await recorder().list(never)
    const names = tools.map((tool) => tool.name)

    expect(names).toContain('rec_crash')
    expect(names).toContain('rec_crash_')
    expect(names).toContain(`rec_${'x'.repeat(60)}`)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
    expect(tools.find((tool) => tool.name === 'rec_say')).toMatchObject({
      description: '',
      parameters: { type: 'object', properties: { words: { type: 'string' } }, required: ['words'] },
    })
    expect(tools.every((tool) => !('$schema' in tool.parameters))).toBe(true)
  })

  test('that can only be called as tasks are left out', async () => {
    expect(await namesOf(recorder())).not.toContain('rec_task')
  })

  test('are told apart by a number where their names become equal', async () => {
    const names = await namesOf(
      kept(
        mcpServer({
          name: 'a server of many words, so many that nothing else fits into 64 letters',
          command: process.execPath,
          args: [recorderFile],
        }),
      ),
    )
    expect(names[0]).toBe('a_server_of_many_words_so_many_that_nothing_else_fits_into_64_le')
    expect(names[1]).toBe('a_server_of_many_words_so_many_that_nothing_else_fits_into_64__2')
    expect(new Set(names).size).toBe(names.length)
  })

  test('are listed page by page, 512 at the most', async () => {
    const errors: string[] = []
    expect(await namesOf(recorder({}, { MANY: '130' }))).toContain('rec_many_129')

    const tooMany = recorder({ onError: (error) => errors.push(error.message) }, { MANY: '600' })
    expect(await namesOf(tooMany)).toContain('rec_many_498')
    expect(errors).toEqual(['The MCP server rec has more tools than are taken: only its first 512 are there.'])
  })

  test('are listed anew for each run', async () => {
    const source = recorder()
    expect(await namesOf(source)).not.toContain('rec_grown')
    await call(source, 'rec_grow')
    expect(await call(source, 'rec_grown')).toBe('grown was called')
  })

  test('check their arguments, and say what does not fit', async () => {
    const say = await toolOf(recorder(), 'rec_say')
    expect(await say.check({ words: 'hello' })).toEqual({ words: 'hello' })
    await expect(say.check({ words: 7 })).rejects.toThrow(
      'The arguments do not fit the schema: data/words must be string.',
    )
    await expect(say.check({})).rejects.toThrow("must have required property 'words'")
    await expect(say.check(['hello'])).rejects.toThrow('no JSON object')
  })

  test.each<[McpServerOptions['approval'], boolean, boolean]>([
    [undefined, false, false],
    [true, true, true],
    ['destructive', false, true],
    [(tool) => tool === 'report', true, false],
  ])('ask for approval as the option %s says', async (approval, report, crash) => {
    const source = recorder(approval === undefined ? {} : { approval })
    expect((await toolOf(source, 'rec_report')).approval).toBe(report)
    expect((await toolOf(source, 'rec_crash')).approval).toBe(crash)
  })
})

describe('the result of a call', () => {
  test('is text for the model, files and sources for the reader', async () => {
    const { context, seen } = seeingContext()
    expect(await call(recorder(), 'rec_contents', {}, context)).toBe(
      [
        'first',
        '(The file contents.wav, audio/wav, is shown to the reader.)',
        'a note',
        '(The file day.zip, application/zip, is shown to the reader.)',
        'Page A: https://example.com/a',
        'Note 7: notes://7',
      ].join('\n'),
    )
    expect(seen.files).toEqual([
      { name: 'contents.wav', mimeType: 'audio/wav', data: Buffer.from('sound') },
      { name: 'day.zip', mimeType: 'application/zip', data: Buffer.from('zip') },
    ])
    expect(seen.sources).toEqual([
      { title: 'Page A', url: 'https://example.com/a', snippet: 'About A' },
      { title: 'Note 7', sourceType: 'document' },
    ])
  })

  test('is not lost with a file that cannot be kept', async () => {
    const { context } = seeingContext(never, { keepsFiles: false })
    const output = await call(recorder(), 'rec_contents', {}, context)
    expect(output).toContain('a note')
    expect(output).toContain('could not be kept: The file is too large.')
  })

  test('is structured content where there is no text', async () => {
    expect(await call(recorder(), 'rec_structured')).toBe('{"degrees":21}')
  })

  test('is an error in the words of the tool', async () => {
    await expect(call(recorder(), 'rec_fail')).rejects.toThrow(/^The disk is full\.$/)
  })
})

describe('stopping', () => {
  test('is told to the server within 100 ms, and ends the call at once', async () => {
    const source = recorder()
    const run = new AbortController()
    const wait = (await toolOf(source, 'rec_wait')).execute!({}, seeingContext(run.signal).context) as Promise<string>
    await report(source)

    const stoppedAt = Date.now()
    run.abort(new Error('stopped'))
    await expect(wait).rejects.toThrow('stopped')
    expect(Date.now() - stoppedAt).toBeLessThan(100)
    const { cancelled } = await report(source)
    expect(cancelled).toHaveLength(1)
    expect(cancelled[0]! - stoppedAt).toBeLessThan(100)
  })

  test('after a call has ended is told to nobody', async () => {
    const source = recorder()
    const run = new AbortController()
    await call(source, 'rec_say', { words: 'hello' }, seeingContext(run.signal).context)
    run.abort()
    expect((await report(source)).cancelled).toEqual([])
  })

  test('while the server starts does not end the start of others', async () => {
    const source = recorder()
    const run = new AbortController()
    const mine = source.list(run.signal)
    const others = namesOf(source)
    run.abort(new Error('stopped'))
    await expect(mine).rejects.toThrow('stopped')
    expect(await others).toContain('rec_say')
  })
})

describe('a server that dies', () => {
  test('fails the call with a sentence, and is there again for the next', async () => {
    const source = recorder()
    const { pid } = await report(source)
    await expect(call(source, 'rec_crash')).rejects.toThrow(/^The MCP server rec is gone: it ended before it answered/)
    expect((await report(source)).pid).not.toBe(pid)
  })

  test('between two runs is started again', async () => {
    const source = recorder()
    const { pid } = await report(source)
    process.kill(pid, 'SIGKILL')
    expect((await report(source)).pid).not.toBe(pid)
  })

  test('whose answer has no end is ended', async () => {
    const source = recorder()
    await expect(call(source, 'rec_huge')).rejects.toThrow('answered with more than 10 MB')
    expect(await call(source, 'rec_say', { words: 'again' })).toBe('again')
  })

  test('at once is not started in a hot loop', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'runnel-mcp-'))
    const starts = join(folder, 'starts')
    const source = recorder({ optional: true }, { DIES_AT_ONCE: starts })
    for (let count = 0; count < 100; count++) expect(await source.list(never)).toEqual([])
    // Two, and a few more on a machine so slow that a wait was over.
    expect((await readFile(starts, 'utf8')).length).toBeLessThan(6)
    await rm(folder, { recursive: true })
  })

  test('is left alone longer each time', () => {
    expect([0, 1, 2, 3, 4, 8, 50].map(waitAfter)).toEqual([0, 0, 500, 1000, 2000, 30_000, 30_000])
  })
})

describe('a server that cannot be reached', () => {
  const missing = { name: 'gone', command: '/nowhere/mcp-server' }

  test('fails the listing with its name', async () => {
    await expect(kept(mcpServer(missing)).list(never)).rejects.toThrow(
      'The MCP server gone cannot be reached: spawn /nowhere/mcp-server ENOENT',
    )
    await expect(kept(mcpServer({ name: 'closed', url: 'http://127.0.0.1:9/mcp' })).list(never)).rejects.toThrow(
      /^The MCP server closed cannot be reached: fetch failed/,
    )
  })

  test('costs its tools only where it is optional', async () => {
    const errors: string[] = []
    const source = kept(mcpServer(missing, { optional: true, onError: (error) => errors.push(error.message) }))
    expect(await source.list(never)).toEqual([])
    expect(errors).toEqual(['The MCP server gone cannot be reached: spawn /nowhere/mcp-server ENOENT'])
  })

  test('is found out at once where it can never be', () => {
    expect(() => mcpServer({ name: '–', command: 'x' })).toThrow(TypeError)
    expect(() => mcpServer({ name: 'files', url: 'file:///tmp' })).toThrow('no http or https address')
  })
})

describe('the child process', () => {
  test('is one, however many ask for it at once', async () => {
    const source = recorder()
    await Promise.all(Array.from({ length: 5 }, () => source.list(never)))
    const { lists, pid } = await report(source)
    expect(lists).toBe(6)
    expect((await report(source)).pid).toBe(pid)
  })

  test('knows nothing of our environment, and its secrets stay out of logs and errors', async () => {
    vi.stubEnv('RUNNEL_TEST_SECRET', 'of ours')
    const lines: string[] = []
    const log = (_fields: object, words: string) => void lines.push(words)
    const source = recorder({ logger: { debug: log, info: log, warn: log, error: log } }, { TOKEN: 'sk-secret-1' })
    expect((await report(source)).secret).toBeNull()
    await expect(call(source, 'rec_refuse')).rejects.toThrow(
      /^The MCP server rec answered with an error: .*bad token \*\*\*$/,
    )
    await vi.waitUntil(() => lines.length > 0, { timeout: 5000 })
    expect(lines).toEqual(['ready with ***'])
    vi.unstubAllEnvs()
  })

  test('is gone when the source is closed, which it stays', async () => {
    const source = recorder()
    const { pid } = await report(source)
    const waiting = call(source, 'rec_wait')
    const refused = expect(waiting).rejects.toThrow('The MCP server rec is gone')
    await report(source)
    await Promise.all([source.close(), source.close()])
    expect(isRunning(pid)).toBe(false)
    await refused
    await expect(source.list(never)).rejects.toThrow('The MCP server rec is closed.')
  })

  test('is gone when the source is closed while it starts, also where it never answers', async () => {
    const lines: string[] = []
    const log = (_fields: object, words: string) => void lines.push(words)
    const mute = {
      name: 'mute',
      command: process.execPath,
      args: ['-e', 'console.error(process.pid); process.stdin.resume()'],
    }
    const source = kept(mcpServer(mute, { logger: { debug: log, info: log, warn: log, error: log } }))
    const listing = expect(source.list(never)).rejects.toThrow('The MCP server mute cannot be reached')
    await vi.waitUntil(() => lines.length > 0, { timeout: 5000 })
    expect(isRunning(Number(lines[0]))).toBe(true)
    await source.close()
    expect(isRunning(Number(lines[0]))).toBe(false)
    await listing
  })

  test('is killed where it does not end by itself', async () => {
    const source = recorder({}, { STUBBORN: '1' })
    const { pid } = await report(source)
    await source.close()
    expect(isRunning(pid)).toBe(false)
  })
})

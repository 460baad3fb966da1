/** The fake provider as a program: for tests in any language. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { answer } from '../../testing/openai/index.ts'
import { ask, closeAfterwards, hello, post, start } from './asking.ts'

const command = new URL('../../testing/command.ts', import.meta.url).pathname

/** Starts it; `ended` has its exit code and what it said. */
async function program(args: string[]) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', command, ...args])
  let said = ''
  const ended = new Promise<{ code: number | null; said: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, said })),
  )
  closeAfterwards(async () => {
    child.kill()
    await ended
  })
  const firstLine = new Promise<string>((resolve) => {
    child.stdout.on('data', (part: Buffer) => {
      said += part
      if (said.includes('\n')) resolve(said.split('\n')[0]!)
    })
    child.stderr.on('data', (part: Buffer) => (said += part))
    child.on('close', () => resolve(''))
  })
  return { child, ended, url: await firstLine }
}

async function folder(files: Record<string, string>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'runnel-fake-'))
  closeAfterwards(() => rm(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text)
  return path
}

test('answers what its file expects, takes orders, ends by a signal', async () => {
  const path = await folder({
    'a.sse': 'data: {"choices":[{"index":0,"delta":{"content":"Taped."}}]}\n\ndata: [DONE]\n\n',
    'scripts.json': JSON.stringify([
      { on: { user: '/weather/i', round: 0 }, toolCalls: [{ id: 'c1', name: 'weather', arguments: '{}' }] },
      {
        on: { model: 'slow' },
        error: { status: 429, message: 'Slow down.', code: 'slow', headers: { 'retry-after': '1' } },
      },
      { on: { model: 'taped' }, recorded: 'a.sse', cuts: 'bytes' },
      { on: { model: 'odd' }, odd: 'deepseek-reasoning' },
      { on: { path: '/v1/responses' }, text: 'By Responses.' },
      { times: 'always', text: 'Always.' },
    ]),
  })
  const { child, ended, url } = await program([
    'fake-openai',
    '--model',
    'a',
    '--model',
    'b',
    join(path, 'scripts.json'),
  ])
  const control = url.replace(/v1$/, 'fake')
  const json = async (answered: Response) => ({ status: answered.status, ...((await answered.json()) as any) })

  const first = await json(
    await post(`${url}/chat/completions`, { model: 'm', messages: [{ role: 'user', content: 'The Weather?' }] }),
  )
  expect(first.choices[0].message.tool_calls[0].function.name).toBe('weather')
  expect(await ask(url, { ...hello, model: 'slow' })).toBe('429: Slow down.')
  expect(await (await post(`${url}/chat/completions`, { ...hello, model: 'taped' })).text()).toContain('Taped.')
  expect(await ask(url, { model: 'm', input: 'x' })).toBe('By Responses.')
  expect(await ask(url)).toBe('Always.')
  expect((await json(await fetch(`${url}/models`))).data.map(({ id }: { id: string }) => id)).toEqual(['a', 'b'])

  const requests = (await (await fetch(`${control}/requests`)).json()) as any[]
  expect(requests.map(({ user, hungUp }) => [user, hungUp])[0]).toEqual(['The Weather?', false])
  expect(await json(await fetch(`${control}/done`))).toMatchObject({
    status: 409,
    error: { message: expect.stringContaining('model: "odd"') },
  })
  expect((await post(`${control}/reset`, {})).status).toBe(200)
  expect((await fetch(`${control}/done`)).status).toBe(200)
  expect(await ask(url)).toContain('500: Nobody expected')
  expect(await json(await post(`${control}/enqueue`, [{ text: 'One.' }, { text: 'Two.', times: 2 }]))).toEqual({
    status: 200,
    expected: 2,
  })
  expect([await ask(url), await ask(url), await ask(url)]).toEqual(['One.', 'Two.', 'Two.'])
  expect(await json(await post(`${control}/enqueue`, { txt: 'x' }))).toMatchObject({
    status: 400,
    error: { message: expect.stringContaining('Entry 1: answer() has no field "txt": "text" is meant') },
  })
  expect((await post(`${control}/enqueue`, { recorded: '/etc/passwd' })).status).toBe(400)
  expect((await fetch(`${control}/nothing`)).status).toBe(404)

  const scope = (await json(await post(`${control}/scope`, {}))) as { url: string; control: string }
  await post(`${scope.control}/enqueue`, { text: 'Mine.' })
  expect(await ask(url)).toContain('500: Nobody expected')
  expect(await ask(scope.url)).toBe('Mine.')
  expect((await fetch(`${scope.control}/done`)).status).toBe(200)

  child.kill('SIGTERM')
  expect((await ended).code).toBe(0)
})

test('a wrong call ends and says why', async () => {
  const path = await folder({ 'scripts.json': '[{"text":"a"},{"on":{"usr":"x"},"text":"b"}]' })
  const calls: [string[], number, string][] = [
    [['fake-openai', '--prot', '1'], 1, '--prot'],
    [['fake-openai', '--port', 'x'], 1, '--port x is no port.'],
    [['fake-anthropic'], 1, 'There is no command fake-anthropic.'],
    [['--help'], 0, 'npx @runnel/testing fake-openai'],
    [['fake-openai', join(path, 'scripts.json')], 1, 'Entry 2: A matcher has no field "usr": "user" is meant'],
  ]
  const ends = await Promise.all(calls.map(async ([args]) => (await program(args)).ended))
  expect(ends).toEqual(calls.map(([, code, words]) => ({ code, said: expect.stringContaining(words) })))
})

test('in a program the control is off, and JSON can be given all the same', async () => {
  const fake = await start()
  fake.expectJson({ on: { user: 'Hello' }, text: 'From JSON.' })
  fake.on({}, answer({ text: 'x' }))
  expect((await post(`${fake.url.replace(/v1$/, 'fake')}/reset`, {})).status).toBe(404)
  fake.reset()
  fake.expectJson({ on: { user: 'Hello' }, text: 'From JSON.' })
  expect(await ask(fake.url)).toBe('From JSON.')
})

/** A fault that nothing caught, in the code of whoever uses the program: a log line with its stack, and an end that saves what runs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import { startFakeOpenAI } from '../../testing/index.ts'

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url))

test.each([
  ['thrown in a timer', 'setTimeout(() => { throw new Error("Nobody catches this.") })'],
  ['a rejection with nothing', 'void Promise.reject()'],
])('%s', async (_name, fault) => {
  const fake = await startFakeOpenAI()
  const folder = mkdtempSync(join(tmpdir(), 'runnel-uncaught-'))
  const file = join(folder, 'runnel.db')
  writeFileSync(join(folder, 'runnel.config.mjs'), `export default { onMessageEnd: () => { ${fault} } }`)
  const child = spawn(process.execPath, [main, '--config', join(folder, 'runnel.config.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: `sqlite:${file}`,
      OPENAI_BASE_URL: fake.url,
      OPENAI_API_KEY: 'key',
      LOG_LEVEL: 'error',
      RUNNEL_DRAIN_MS: '0',
    },
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await fake.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const lines: string[] = []
  const exited = once(child, 'exit')
  const output = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  await once(output, 'line')
  const url = lines[0]!.replace('Runnel listens on ', '')
  const post = async (path: string, body: object) =>
    (await (
      await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: JSON.stringify(body),
      })
    ).json()) as { id: string; messageId: string }
  const ask = async () =>
    (await post(`/api/chats/${(await post('/api/chats', {})).id}/messages`, { content: 'Hi' })).messageId
  const [running, ending] = [fake.manual(), fake.manual()]
  const runs = await ask()
  running.send('Half of an ')
  const ends = await ask()
  ending.send('All.')
  await expect.poll(async () => await (await fetch(`${url}/api/messages/${runs}`)).text()).toContain('Half of an ')
  ending.end()
  expect((await exited)[0]).toBe(1)
  const logged = lines.slice(1).map((line) => JSON.parse(line) as { msg: string; err: { stack: string } })
  const uncaught = logged.filter(({ msg }) => msg.startsWith('a fault that nothing caught'))
  expect(uncaught).toHaveLength(1)
  expect(uncaught[0]!.err.stack).toMatch(/^\s+at .*(runnel\.config\.mjs|main\.ts)/m)
  const store = openSqliteStore(file)
  expect((await store.getMessage(runs))?.status).toBe('interrupted')
  expect((await store.getMessage(ends))?.status).toBe('completed')
  await store.close()
})

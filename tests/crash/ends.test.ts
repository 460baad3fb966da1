/** A process that is killed while it tells of an end: the next one tells again. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url))

test(
  'an end is told again after a kill in the middle of it, and no more once it was taken',
  { timeout: 60_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'runnel-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await writeFile(
      join(folder, 'runnel.config.ts'),
      `
    import { appendFileSync } from 'node:fs'
    export default {
      PORT: 0, LOG_LEVEL: 'error', DATABASE_URL: 'sqlite:runnel.db',
      onMessageEnd: ({ taskId, status }) => {
        appendFileSync('told.txt', \`\${process.env.LIFE} \${taskId} \${status}\\n\`)
        if (process.env.LIFE === '1') process.kill(process.pid, 'SIGKILL')
      },
    }`,
    )
    const serve = async (life: string) => {
      const child = spawn(process.execPath, [main], {
        cwd: folder,
        env: { ...process.env, LIFE: life },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      const ended = new Promise((resolve) => child.on('close', resolve))
      const line = await new Promise<string>((resolve) =>
        createInterface({ input: child.stdout }).once('line', resolve),
      )
      return { url: line.replace('Runnel listens on ', ''), child, ended }
    }
    const told = async () => (await readFile(join(folder, 'told.txt'), 'utf8')).trim().split('\n')

    const first = await serve('1')
    const post = async (path: string, body: object) =>
      (await (
        await fetch(first.url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      ).json()) as Record<string, string>
    const { id } = await post('/api/chats', {})
    const { taskId } = await post(`/api/chats/${id}/messages`, { content: 'an error please' })
    await first.ended
    for (const life of ['2', '3']) {
      const { child, ended } = await serve(life)
      await expect.poll(told).toHaveLength(2)
      child.kill('SIGTERM')
      await ended
    }
    expect(await told()).toEqual([`1 ${taskId} failed`, `2 ${taskId} failed`])
  },
)

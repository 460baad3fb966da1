import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import { readLog, refusal, temporaryFolder } from './fixtures.ts'
import { crashDocs } from './records.ts'

const childFile = fileURLToPath(new URL('./append-child.ts', import.meta.url))

interface Appender {
  process: ChildProcess
  /** Resolves when the child has reported this entry. */
  reported(seq: number): Promise<void>
  /** Kills it; resolves with the last entry that it reported. */
  kill(): Promise<number>
}

function startAppender(path: string): Appender {
  const child = spawn(process.execPath, [childFile, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })
  let last = 0
  lines.on('line', (line) => {
    last = Number(line)
  })
  return {
    process: child,
    async reported(seq) {
      while (last < seq) await once(lines, 'line')
    },
    async kill() {
      const closed = Promise.all([once(child, 'exit'), once(lines, 'close')])
      child.kill('SIGKILL')
      await closed
      return last
    },
  }
}

describe('a database file and its process', () => {
  it('is refused to a second process, which learns the pid, and free as soon as the first was killed', async () => {
    const path = join(temporaryFolder(), 'runnel.db')
    const first = startAppender(path)
    await first.reported(1)
    const error = await refusal('store_unavailable', () => openSqliteStore(path))
    expect(error.message).toBe(
      `${path} is already in use by another Runnel process (pid ${first.process.pid}). Stop it, or set DATABASE_URL to another file.`,
    )
    await first.kill()
    const second = openSqliteStore(path)
    onTestFinished(() => second.close())
    expect(await second.getMessage(crashDocs[0])).not.toBeNull()
  })

  it('is refused to a second store of the same process until the first is closed', async () => {
    const path = join(temporaryFolder(), 'runnel.db')
    const first = openSqliteStore(path)
    await refusal('store_unavailable', () => openSqliteStore(path))
    // The refused one must not have taken the lock of the first away.
    await refusal('store_unavailable', () => openSqliteStore(path))
    await first.close()
    await openSqliteStore(path).close()
  })

  it.for(Array.from({ length: 20 }, (_, index) => 1 + 3 * index * index))(
    'has all that was reported, once and in order, after SIGKILL at entry %i',
    { timeout: 60_000 },
    async (moment) => {
      const path = join(temporaryFolder(), 'runnel.db')
      const appender = startAppender(path)
      await appender.reported(moment)
      const last = await appender.kill()

      const store = openSqliteStore(path)
      onTestFinished(() => store.close())
      const logs = await Promise.all(crashDocs.map((doc) => readLog(store, doc)))
      const written = logs[0]!.seq
      expect(written).toBeGreaterThanOrEqual(last)
      expect(written).toBeLessThanOrEqual(last + 1)
      const expected = Array.from({ length: written }, (_, index) => `${index + 1},`).join('')
      for (const log of logs) expect((log!.state ?? '') + log!.updates.join('')).toBe(expected)
    },
  )
})

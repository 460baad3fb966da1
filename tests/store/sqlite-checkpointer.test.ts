import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, describe, it, onTestFinished, vi } from 'vitest'
import { openSqliteConnection, type SqliteConnection } from '../../server/store/sqlite/connection.ts'
import { temporaryFolder } from './fixtures.ts'

function openWithClock() {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const path = join(temporaryFolder(), 'a %20#? folder', 'runnel.db')
  const connection = openSqliteConnection(path)
  onTestFinished(() => connection.close())
  return { path, connection }
}

function write(connection: SqliteConnection, word: string): void {
  connection.write(() =>
    connection.database.exec(`INSERT INTO updates (document, seq, data) VALUES (1, 1, CAST('${word}' AS BLOB))`),
  )
}

describe('checkpoints', () => {
  it('are made beside the writer, from time to time, and leave no WAL behind when the file is closed', async () => {
    const { path, connection } = openWithClock()
    write(connection, 'early')
    expect(readFileSync(path, 'latin1')).not.toContain('early')
    for (const word of ['second', 'third']) {
      vi.advanceTimersByTime(5_000)
      write(connection, word)
      await expect.poll(() => readFileSync(path, 'latin1'), { timeout: 10_000 }).toContain(word)
    }
    write(connection, 'last')
    connection.close()
    expect(existsSync(`${path}-wal`)).toBe(false)
    expect(readFileSync(path, 'latin1')).toContain('last')
  })

  it('hold up no closing that comes while one begins, and make no file anew', async () => {
    const { path, connection } = openWithClock()
    vi.advanceTimersByTime(5_000)
    write(connection, 'word')
    connection.close()
    renameSync(path, `${path}-away`)
    connection.close()
    expect(existsSync(path)).toBe(false)
    expect(readFileSync(`${path}-away`, 'latin1')).toContain('word')
  })
})

import { mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { RunnelError } from '../../../shared/errors.ts'
import { checkpointer } from './checkpointer.ts'
import { storeError } from './errors.ts'
import { lockDatabase } from './lock.ts'
import { migrate, refuseForeignFile } from './schema.ts'

/** How long removed text may stay in the WAL: one checkpoint then serves everything that was removed meanwhile. */
const scrubAfterMs = 1_000

/** The one connection of this process to its database file. Whatever it throws is a RunnelError. */
export interface SqliteConnection {
  /** For tests and benchmarks, which tighten limits on it. */
  readonly database: DatabaseSync
  prepare(sql: string): StatementSync
  /** Runs synchronous reads. */
  read<T>(work: () => T): T
  /** Runs synchronous writes in one transaction: all or nothing. */
  write<T>(work: () => T): T
  /** As `write`, and what was committed outlives a power cut when it returns. */
  writeDurably<T>(work: () => T): T
  /** To be called inside a transaction: what puts memory right if it is rolled back, the last change first. */
  onRollback(undo: () => void): void
  /** Lets removed text vanish from the WAL as well: now, or when readers from outside allow it. */
  scrub(): void
  /** As `scrub`, in a moment: one checkpoint then serves many. */
  scrubSoon(): void
  /** Idempotent. Lets go of the file and of its lock. */
  close(): void
}

/**
 * Opens a database file for this process alone, its folder and tables made
 * where they are missing. Throws `store_unavailable` with a sentence for a person.
 */
export function openSqliteConnection(file: string): SqliteConnection {
  const path = prepareFolder(file)
  const unlock = lockDatabase(path)
  let database: DatabaseSync | undefined
  try {
    // Another program that reads or copies the file may hold it for a moment; longer than this would hold up everybody.
    database = new DatabaseSync(path, { timeout: 100 })
    refuseForeignFile(database, path)
    // Deleted text is overwritten with zeros. A WAL of 64 MB is checkpointed here, in
    // a commit; the checkpointer's thread does not let it come to that.
    database.exec(`PRAGMA secure_delete = ON; PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 16000`)
    // A file that cannot be written is refused now and not at the first message.
    database.exec('BEGIN IMMEDIATE; ROLLBACK')
    migrate(database)
    return connectionOf(database, path, unlock)
  } catch (error) {
    database?.close()
    unlock()
    throw storeError(error, path)
  }
}

function connectionOf(database: DatabaseSync, path: string, unlock: () => void): SqliteConnection {
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const rollback = database.prepare('ROLLBACK')
  const checkpoint = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)')
  const opened = statSync(path)
  const checkpoints = checkpointer(path)
  let undos: (() => void)[] = []
  let scrubTimer: NodeJS.Timeout | undefined

  function read<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw storeError(error, path)
    }
  }

  function write<T>(work: () => T): T {
    return read(() => {
      refuseMovedFile()
      begin.run()
      try {
        const result = work()
        commit.run()
        checkpoints.committed()
        return result
      } catch (error) {
        for (const undo of undos.reverse()) undo()
        // A full disk may have ended the transaction already.
        if (database.isTransaction) rollback.run()
        throw error
      } finally {
        undos = []
      }
    })
  }

  /** SQLite goes on writing into a file that was deleted under it, and all of that would be lost. */
  function refuseMovedFile(): void {
    const now = statSync(path, { throwIfNoEntry: false })
    if (now?.ino === opened.ino && now.dev === opened.dev) return
    throw new RunnelError(
      'store_unavailable',
      'The file of the database was moved or deleted while Runnel was using it. Put it back, or restart Runnel.',
      { where: path },
    )
  }

  function writeDurably<T>(work: () => T): T {
    // Takes effect outside of a transaction only, and when it is compiled: a prepared statement would do nothing.
    read(() => database.exec('PRAGMA synchronous = FULL'))
    try {
      return write(work)
    } finally {
      if (database.isOpen) database.exec('PRAGMA synchronous = NORMAL')
    }
  }

  function scrubSoon(): void {
    scrubTimer ??= setTimeout(scrub, scrubAfterMs).unref()
  }

  function scrub(): void {
    clearTimeout(scrubTimer)
    scrubTimer = undefined
    let done = false
    try {
      done = checkpoint.get()?.['busy'] === 0
    } catch {
      // A full or failing disk is reported by the next write.
    }
    // A reader from outside still sees the old pages.
    if (!done) scrubSoon()
  }

  return {
    database,
    prepare: (sql) => read(() => database.prepare(sql)),
    read,
    write,
    writeDurably,
    onRollback: (undo) => undos.push(undo),
    scrub,
    scrubSoon,
    close() {
      clearTimeout(scrubTimer)
      checkpoints.close()
      if (!database.isOpen) return
      try {
        database.close()
      } catch (error) {
        throw storeError(error, path)
      } finally {
        unlock()
      }
    },
  }
}

/** Not mkdir's own `recursive`: it never returns from a folder that forbids new ones with ENOENT, as /proc does. */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return
  if (dirname(folder) !== folder) makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    // Another process may have made it in between.
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error
  }
}

/** Makes the folder of a database file; returns the one path that every link to that file leads to. */
function prepareFolder(file: string): string {
  const path = resolve(file)
  try {
    makeFolder(dirname(path))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new RunnelError(
      'store_unavailable',
      `The folder ${dirname(path)} of the database cannot be made: ${reason}. Set DATABASE_URL to another file.`,
      { cause: error },
    )
  }
  return statSync(path, { throwIfNoEntry: false }) ? realpathSync(path) : path
}

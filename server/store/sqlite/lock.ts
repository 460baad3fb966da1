import { DatabaseSync } from 'node:sqlite'
import { RunnelError } from '../../../shared/errors.ts'
import { isBusy, storeError } from './errors.ts'

/**
 * Claims a database for this process, until the returned function is called
 * or the process dies, however it dies. A second SQLite file beside the
 * database holds a write transaction that never ends: the kernel drops its
 * file lock with the process, so nothing stale can stay behind, and the
 * database itself stays open to readers from outside.
 */
export function lockDatabase(path: string): () => void {
  const lock = openLock(path)
  try {
    // The process id is committed for those who come second: BEGIN IMMEDIATE lets others read.
    lock.exec('BEGIN IMMEDIATE')
    lock.exec(`PRAGMA user_version = ${process.pid}`)
    lock.exec('COMMIT')
    lock.exec('BEGIN IMMEDIATE')
    return () => lock.close()
  } catch (error) {
    const refusal = isBusy(error) ? inUse(path, readHolder(lock)) : storeError(error, `${path}-lock`)
    lock.close()
    throw refusal
  }
}

function openLock(path: string): DatabaseSync {
  try {
    return new DatabaseSync(`${path}-lock`)
  } catch (error) {
    throw storeError(error, path)
  }
}

function readHolder(lock: DatabaseSync): number | null {
  try {
    return Number(lock.prepare('PRAGMA user_version').get()?.['user_version']) || null
  } catch {
    return null
  }
}

function inUse(path: string, holder: number | null): RunnelError {
  return new RunnelError(
    'store_unavailable',
    `${path} is already in use by ${describeHolder(holder)}. Stop it, or set DATABASE_URL to another file.`,
  )
}

function describeHolder(holder: number | null): string {
  if (holder === null) return 'another Runnel process'
  // Servers in two containers on one volume are often both pid 1.
  if (holder === process.pid) return `this process, or by pid ${holder} of another container`
  return `another Runnel process (pid ${holder})`
}

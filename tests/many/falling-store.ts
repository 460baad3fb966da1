import { openPostgresStore } from '../../server/store/postgres/postgres.ts'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import type { Store } from '../../server/store/store.ts'

/** Where a process falls: before a call of its store, or when that was made, the so manieth of them. */
export interface Fall {
  method: keyof Store
  when: 'before' | 'after'
  nth: number
}

/** The store of a node that is killed there. */
export function fallingStore(url: string, { method, when, nth }: Fall): Store {
  const store = url.startsWith('postgres')
    ? openPostgresStore(url, 'together')
    : openSqliteStore(url.slice('sqlite:'.length))
  const call = store[method] as (...args: unknown[]) => Promise<unknown>
  let calls = 0
  return {
    ...store,
    [method]: async (...args: unknown[]) => {
      calls += 1
      if (when === 'before' && calls === nth) process.kill(process.pid, 'SIGKILL')
      const result = await call(...args)
      if (when === 'after' && calls === nth) process.kill(process.pid, 'SIGKILL')
      return result
    },
  }
}

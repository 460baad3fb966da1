import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import type { Store } from '../../server/store/store.ts'
import { storeContract } from '../../testing/contracts/store.ts'
import { closeRules } from '../../testing/contracts/store-close.ts'
import { logAnswersAtOnce } from '../../testing/contracts/store-log.ts'
import { temporaryFolder } from './fixtures.ts'

function open(path = join(temporaryFolder(), 'new', 'folder', 'runnel.db')): Store {
  const store = openSqliteStore(path)
  onTestFinished(() => store.close())
  return store
}

describe('the store in SQLite', () => {
  storeContract(open, { describe, it, expect })
  logAnswersAtOnce(open, { it, expect })
  closeRules(
    () => {
      const path = join(temporaryFolder(), 'runnel.db')
      return () => open(path)
    },
    { it, expect },
  )
})

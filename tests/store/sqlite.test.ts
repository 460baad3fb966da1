import { join } from 'node:path'
import { describe, onTestFinished } from 'vitest'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import type { Store } from '../../server/store/store.ts'
import { closeRules } from './contract-close.ts'
import { logAnswersAtOnce } from './contract-log.ts'
import { storeContract } from './contract.ts'
import { temporaryFolder } from './fixtures.ts'

function open(path = join(temporaryFolder(), 'new', 'folder', 'runnel.db')): Store {
  const store = openSqliteStore(path)
  onTestFinished(() => store.close())
  return store
}

describe('the store in SQLite', () => {
  storeContract(open)
  logAnswersAtOnce(open)
  closeRules(open)
})

import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../server/store/memory/memory.ts'
import { storeContract } from '../../testing/contracts/store.ts'
import { logAnswersAtOnce } from '../../testing/contracts/store-log.ts'

describe('the store in memory', () => {
  storeContract(memoryStore, { describe, it, expect })
  logAnswersAtOnce(memoryStore, { it, expect })
})

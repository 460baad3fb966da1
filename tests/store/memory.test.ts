import { describe } from 'vitest'
import { memoryStore } from '../../server/store/memory/memory.ts'
import { logAnswersAtOnce } from './contract-log.ts'
import { storeContract } from './contract.ts'

describe('the store in memory', () => {
  storeContract(memoryStore)
  logAnswersAtOnce(memoryStore)
})

import { describe } from 'vitest'
import { memoryStore } from '../../server/store/memory.ts'
import { storeContract } from './contract.ts'

describe('the store in memory', () => {
  storeContract(memoryStore)
})

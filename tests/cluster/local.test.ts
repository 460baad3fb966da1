import { describe } from 'vitest'
import { localCluster } from '../../server/cluster/local.ts'
import { clusterContract } from './contract.ts'

describe('one machine', () => {
  clusterContract((store) => localCluster(store.log))
})

import { describe, expect, it } from 'vitest'
import { localCluster } from '../../server/cluster/local.ts'
import { clusterContract } from '../../testing/contracts/cluster.ts'

describe('one machine', () => {
  clusterContract((store) => localCluster(store.log), { describe, it, expect })
})

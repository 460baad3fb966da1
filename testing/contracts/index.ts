/**
 * The package's `./testing/contracts`: the rules that every store and every cluster keeps, for one of your own. Each suite
 * takes the functions of your test runner.
 */
export type { Expect, TestTools } from './tools.ts'
export { storeContract } from './store.ts'
export { closeRules, type OpenPlace } from './store-close.ts'
export { logAnswersAtOnce } from './store-log.ts'
export { clusterContract, type OpenNode } from './cluster.ts'
export type { OpenStore } from './fixtures.ts'

import { fileRules } from './contract-files.ts'
import { logRules } from './contract-log.ts'
import { messageRules } from './contract-messages.ts'
import { quotaRules } from './contract-quotas.ts'
import { runRules } from './contract-runs.ts'
import type { OpenStore } from './fixtures.ts'

/** The rules of the store port, for every adapter. */
export function storeContract(open: OpenStore): void {
  messageRules(open)
  runRules(open)
  logRules(open)
  fileRules(open)
  quotaRules(open)
}

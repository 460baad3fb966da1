import type { OpenStore } from './fixtures.ts'
import { chatRules } from './store-chats.ts'
import { claimRules } from './store-claims.ts'
import { endRules } from './store-ends.ts'
import { fileRules } from './store-files.ts'
import { historyRules } from './store-history.ts'
import { inviteRules } from './store-invites.ts'
import { listRules } from './store-lists.ts'
import { logRules } from './store-log.ts'
import { messageRules } from './store-messages.ts'
import { quotaRules } from './store-quotas.ts'
import { runRules } from './store-runs.ts'
import { waitingRules } from './store-waiting.ts'
import type { TestTools } from './tools.ts'

/** The rules of the store port, for every adapter. */
export function storeContract(open: OpenStore, tools: TestTools): void {
  chatRules(open, tools)
  inviteRules(open, tools)
  listRules(open, tools)
  messageRules(open, tools)
  historyRules(open, tools)
  runRules(open, tools)
  waitingRules(open, tools)
  claimRules(open, tools)
  endRules(open, tools)
  logRules(open, tools)
  fileRules(open, tools)
  quotaRules(open, tools)
}

import { aiSdk, aiSdkCompatible } from './ai-sdk.ts'
import { langChain } from './langchain.ts'
import { llamaIndex } from './llama-index.ts'
import { mastra } from './mastra.ts'
import { multiLlm } from './multi-llm.ts'
import type { DoorClient } from './observed.ts'
import { openaiAgents } from './openai-agents.ts'
import { openaiClients } from './openai.ts'

export const allClients: DoorClient[] = [
  ...openaiClients(4),
  ...openaiClients(5),
  ...openaiClients(6),
  ...openaiClients(7),
  aiSdk,
  aiSdkCompatible,
  langChain,
  // Like the official SDK's accumulator these two take the beginning of the next call for the end of the one before.
  llamaIndex,
  multiLlm,
  mastra,
  openaiAgents,
]

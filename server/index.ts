/** The package's `./server`. */
export { createRunnel, type Runnel, type RunnelOptions, type RunnelStats } from './app/app.ts'
export { settings, type Config, type ConfigInput, type SettingName } from './config/config.ts'
export type { ModelOptions, OfferOptions, UpstreamOptions } from './config/provider-options.ts'
export { describeSettings, loadConfig } from './config/read-config.ts'
export { mcpServer, type McpServerOptions } from './extension/mcp.ts'
export type { HttpServer, McpServer, StdioServer } from './extension/mcp-config.ts'
export {
  defineTool,
  type LeftOut,
  type SourceState,
  type SourceStatus,
  type Tool,
  type ToolContext,
  type ToolDefinition,
  type ToolSource,
} from './extension/tool.ts'
export type { RunContext } from './extension/context.ts'
export {
  defineFilter,
  type Filter,
  type FilterContext,
  type StreamContext,
  type StreamFilter,
} from './extension/filter.ts'
export { defineConfig, type Authenticate } from './app/options.ts'
export type { ProviderOptions } from './app/named-providers.ts'
/** A store and a cluster of this process alone, also to begin with where you write one of your own. */
export { localCluster, memoryStore } from './app/adapters.ts'
export { openaiProvider } from './app/openai-provider.ts'
export type { Handler } from './app/serving.ts'
export type { EndContext, OnMessageEnd } from './task/ends.ts'
export type * from './cluster/cluster.ts'
export type * from './store/store.ts'
export type { Logger } from './operation/log.ts'
export { moderation, wordList, type Check, type ModerationOptions } from './extension/moderation.ts'
export { redaction, type RedactionOptions } from './extension/redaction.ts'
export type {
  DescribedProvider,
  ListedModel,
  ModelFacts,
  PromptItem,
  Provider,
  ProviderEvent,
  ProviderRequest,
} from './provider/events.ts'
export { RunnelError, type ErrorCode } from '../shared/errors.ts'
export type { Block, Chat, Message, MessageStatus, Usage } from '../shared/schema.ts'

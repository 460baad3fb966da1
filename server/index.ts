/** The package's `./server`. */
export { createRunnel, type Runnel, type RunnelOptions, type RunnelStats } from './app.ts'
export { describeSettings, loadConfig, settings, type Config, type ConfigInput, type SettingName } from './config.ts'
export type { Logger } from './log.ts'
export type { Provider, ProviderEvent, ProviderRequest, PromptItem } from './provider/events.ts'
export { RunnelError, type ErrorCode } from '../shared/errors.ts'
export type { Block, Chat, Message, MessageStatus, Usage } from '../shared/schema.ts'

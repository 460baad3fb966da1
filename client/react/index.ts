'use client'
/** Runnel for React: hooks for live data, and actions with pending and error. `@runnel/client/react/markdown` shows Markdown. */
export { RunnelProvider, useClient, type RunnelProviderProps } from './provider.ts'
export {
  useBlock,
  useBlockText,
  useBranch,
  useChat,
  useConnection,
  useMessage,
  usePresence,
  type ShownBranch,
} from './live.ts'
export { useChats, useTasks, type Chats, type UserTasks } from './lists.ts'
export {
  useAnswerCall,
  useCall,
  useContinue,
  useDecide,
  useDeleteMessage,
  useEdit,
  useLoadOlder,
  useRegenerate,
  useSend,
  useStop,
  type Action,
  type ActionState,
} from './actions.ts'
export { useQuestion, useRead, type Reading } from './read.ts'
export type { InitialState } from './initial.ts'
export type { ChatListQuery, ChatListSnapshot } from '../parts/chat-list.ts'
export type { ChatView, Presence } from '../parts/chat-parts.ts'
export type { TextInPieces } from '../parts/growing.ts'
export type { BlockRef, MessageOutline } from '../parts/outline.ts'

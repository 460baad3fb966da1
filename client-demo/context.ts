import type { Client, LiveBranch } from '../client/index.ts'

/** What the views of one open chat act on. */
export interface ChatContext {
  readonly client: Client
  readonly branch: LiveBranch
  /** What the chat's documents call whoever looks at the page. */
  readonly myself: Promise<string | undefined>
  /** Shows a sibling instead, and leaves the keyboard on the switcher that chose it. */
  readonly switchTo: (messageId: string, direction: 'previous' | 'next') => void
}

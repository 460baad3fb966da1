/** The ids to follow and to stop: what a `POST …/messages` answers. */
export type Started = {
  chatId: string
  taskId: string
  messageId: string
  userMessageId: string
}

import type { RunEnd, UntoldEnd } from '../store.ts'

/** What is still to be done about ends: somebody is to be told, a chat's list is to say it. */
export function memoryEnds() {
  let untold: UntoldEnd[] = []
  /** Message → run. */
  const unlisted = new Map<string, string>()
  return {
    tell: (end: RunEnd) => untold.push(end),
    untold: () => structuredClone(untold),
    told({ messageId, taskId }: RunEnd) {
      untold = untold.filter((end) => end.messageId !== messageId || end.taskId !== taskId)
    },
    list: ({ messageId, taskId }: RunEnd) => unlisted.set(messageId, taskId),
    unlisted: (): RunEnd[] => [...unlisted].map(([messageId, taskId]) => ({ messageId, taskId })),
    isUnlisted: (messageId: string) => unlisted.has(messageId),
    listed({ messageId, taskId }: RunEnd) {
      if (unlisted.get(messageId) === taskId) unlisted.delete(messageId)
    },
    delete(messageId: string) {
      untold = untold.filter((end) => end.messageId !== messageId)
      unlisted.delete(messageId)
    },
  }
}

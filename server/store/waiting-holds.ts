/** Chats whose lines are held up, of a store that one process has for itself: with it they end. */
export function waitingHolds() {
  const holds = new Map<string, { chatId: string; until: number }>()
  return {
    set(chatId: string, hold: string, until: number | null): void {
      if (until === null) holds.delete(hold)
      else holds.set(hold, { chatId, until })
    },
    isHeld(chatId: string, now: number): boolean {
      for (const [hold, { until }] of holds) if (until <= now) holds.delete(hold)
      return [...holds.values()].some((held) => held.chatId === chatId)
    },
  }
}

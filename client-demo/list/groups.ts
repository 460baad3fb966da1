import type { ListedChat } from '@runnel/client'
import type { Words } from '../words/words.ts'

export interface Group<Chat> {
  readonly name: string
  readonly chats: readonly Chat[]
}

/** The first day of the week in this language: 1 is Monday. */
function firstDayOf(language: string): number {
  const locale = new Intl.Locale(language) as Intl.Locale & { getWeekInfo?: () => { firstDay: number } }
  return locale.getWeekInfo?.().firstDay ?? 1
}

/** Chats grouped by time, the most recently active first; pinned ones before all others. */
export function groupsOf<Chat extends Pick<ListedChat, 'activeAt' | 'pinned'>>(
  chats: readonly Chat[],
  words: Words['list'],
  now: Date,
  language: string,
): Group<Chat>[] {
  const day = (offset: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + offset).getTime()
  const today = day(0)
  const yesterday = day(-1)
  const week = day(-((now.getDay() - firstDayOf(language) + 7) % 7))
  const { times } = words
  const nameOf = ({ activeAt, pinned }: Chat) => {
    if (pinned) return words.pinned
    if (activeAt >= today) return times.today
    if (activeAt >= yesterday) return times.yesterday
    if (activeAt >= week) return times.thisWeek
    return times.month(new Date(activeAt), now)
  }
  const groups = new Map<string, Chat[]>()
  for (const chat of [...chats.filter(({ pinned }) => pinned), ...chats.filter(({ pinned }) => !pinned)]) {
    const name = nameOf(chat)
    const group = groups.get(name)
    if (group) group.push(chat)
    else groups.set(name, [chat])
  }
  return [...groups].map(([name, chats]) => ({ name, chats }))
}

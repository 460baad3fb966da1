import { useSyncExternalStore } from 'react'

/** `unasked`: the browser has not been asked yet, and the person has not said no. */
export type NoticeState = 'none' | 'blocked' | 'unasked' | 'off' | 'on'

const key = 'runnel-notices'
const listeners = new Set<() => void>()
const tell = () => {
  for (const listener of listeners) listener()
}

export function noticeState(): NoticeState {
  if (!('Notification' in globalThis) || !isSecureContext) return 'none'
  if (Notification.permission === 'denied') return 'blocked'
  const choice = localStorage.getItem(key)
  if (Notification.permission === 'default') return choice === 'off' ? 'off' : 'unasked'
  return choice === 'off' ? 'off' : 'on'
}

export function useNoticeState(): NoticeState {
  return useSyncExternalStore((listener) => {
    listeners.add(listener)
    addEventListener('storage', listener)
    return () => {
      listeners.delete(listener)
      removeEventListener('storage', listener)
    }
  }, noticeState)
}

/** Call it only from a press: the browser then asks, unless it knows the answer already. */
export async function turnNotices(on: boolean): Promise<void> {
  localStorage.setItem(key, on ? 'on' : 'off')
  tell()
  if (on && Notification.permission === 'default') await Notification.requestPermission()
  tell()
}

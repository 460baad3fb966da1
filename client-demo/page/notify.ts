import { goTo } from '../address.ts'

/** For this long other tabs that hear the same do not tell it again, ms. */
const toldMs = 10_000
const seen = 'runnel seen'

export interface Notice {
  /** What is told. Notices with the same name are shown once, however many tabs hear of it. */
  name: string
  title: string
  body: string
  chatId: string
}

/** Tells all tabs of this browser that one of them is in view, until the returned function is called. */
export function holdSeen(): () => void {
  const over = new AbortController()
  const held = () =>
    new Promise<void>((resolve) => {
      over.signal.addEventListener('abort', () => resolve())
    })
  navigator.locks?.request(seen, { mode: 'shared', signal: over.signal }, held).catch(() => {})
  return () => over.abort()
}

/** Tells it once for all tabs, and only while none of them is looked at. */
export async function notify(notice: Notice): Promise<void> {
  const { held = [] } = await navigator.locks.query()
  if (held.some(({ name }) => name === seen)) return
  const told = Promise.withResolvers<void>()
  void navigator.locks.request(`runnel notice ${notice.name}`, { ifAvailable: true }, async (lock) => {
    if (lock) {
      await show(notice)
      setTimeout(told.resolve, toldMs)
      await told.promise
    }
  })
}

async function show({ name, title, body, chatId }: Notice): Promise<void> {
  const options = { body, tag: name, icon: 'icon-192.png', data: { chatId } }
  // A notice from a worker stays when the tab is closed, and phones allow no other.
  const worker = await navigator.serviceWorker?.getRegistration()
  if (worker) return await worker.showNotification(title, options)
  const notification = new Notification(title, options)
  notification.addEventListener('click', () => {
    window.focus()
    goTo(chatId)
    notification.close()
  })
}

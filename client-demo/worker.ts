/**
 * Serves the page while there is no connection. It stores the files of one build, and nothing that anybody wrote. It asks the server for the page
 * itself each time, so that a stored copy never hides an update. The names of the assets contain the hash of their content.
 */

/** The types of a worker that a page does not have, as far as they are used here. */
interface Waiting extends Event {
  waitUntil(done: Promise<unknown>): void
}
interface Fetching extends Waiting {
  readonly request: Request
  respondWith(answer: Promise<Response>): void
}
interface Clicked extends Waiting {
  readonly notification: Notification
}
interface Tab {
  readonly url: string
  readonly visibilityState: string
  focus(): Promise<Tab>
  postMessage(message: unknown): void
}
declare const self: {
  readonly location: Location
  readonly clients: {
    claim(): Promise<void>
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<Tab[]>
    openWindow(url: string): Promise<Tab | null>
  }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listener: (event: Waiting) => void): void
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void
  addEventListener(type: 'notificationclick', listener: (event: Clicked) => void): void
}

/** The build writes the list of files here, so each build has a worker of its own. */
const shell: string[] = JSON.parse('__SHELL__') as string[]

const home = new URL('.', self.location.href)
const prefix = `runnel-page ${home.pathname} `
const cacheName = prefix + shell.join(' ')

const pathOf = ({ pathname }: URL) => pathname.slice(home.pathname.length)
const isPage = (url: URL) => url.pathname.startsWith(home.pathname) && ['', 'index.html'].includes(pathOf(url))

async function keep(): Promise<void> {
  const cache = await caches.open(cacheName)
  await cache.addAll([home.href, ...shell.map((name) => new URL(name, home).href)])
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys()
  await Promise.all(
    names.filter((name) => name.startsWith(prefix) && name !== cacheName).map((name) => caches.delete(name)),
  )
}

/** The page from the server, or the stored one if the server cannot be reached. */
async function page(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request)
    if (answer.ok) await (await caches.open(cacheName)).put(home.href, answer.clone())
    return answer
  } catch (error) {
    const kept = await caches.match(home.href)
    if (kept) return kept
    throw error
  }
}

/** A file with its hash in its name never changes. */
async function asset(request: Request): Promise<Response> {
  const kept = await caches.match(request)
  if (kept) return kept
  const answer = await fetch(request)
  if (answer.status === 200) await (await caches.open(cacheName)).put(request, answer.clone())
  return answer
}

self.addEventListener('install', (event) => event.waitUntil(keep().then(() => self.skipWaiting())))
self.addEventListener('activate', (event) => event.waitUntil(forgetOthers().then(() => self.clients.claim())))
self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== home.origin || !url.pathname.startsWith(home.pathname)) return
  const path = pathOf(url)
  if (request.mode === 'navigate' && isPage(url)) event.respondWith(page(request))
  else if (path.startsWith('assets/') || shell.includes(path)) event.respondWith(asset(request))
})
self.addEventListener('notificationclick', (event) => {
  const { notification } = event
  const chatId = (notification.data as { chatId?: string } | null)?.chatId ?? ''
  notification.close()
  const open = async () => {
    const tabs = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
    // Other pages of the same site are none of this one's.
    const own = tabs.filter(({ url }) => isPage(new URL(url)))
    const tab = own.find(({ visibilityState }) => visibilityState === 'visible') ?? own[0]
    if (!tab) return await self.clients.openWindow(`${home.href}#${chatId}`)
    tab.postMessage({ open: chatId })
    return await tab.focus()
  }
  event.waitUntil(open())
})

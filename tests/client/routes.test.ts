/** Whatever the server has over HTTP, the client has a method for. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { HttpApi } from '../../client/api.ts'
import { connect, type Api, type RequestWithProgress } from '../../client/index.ts'
import { start } from '../http/server.ts'

/** One call of each method. */
const calls: { [Method in keyof Api]: (api: Api) => Promise<unknown> } = {
  createChat: (api) => api.createChat(),
  listChats: (api) => api.listChats(),
  searchChats: (api) => api.searchChats('words'),
  markRead: (api) => api.markRead('c'),
  getChat: (api) => api.getChat('c'),
  changeChat: (api) => api.changeChat('c', { title: 'T' }),
  renameChat: (api) => api.renameChat('c', 'T'),
  deleteChat: (api) => api.deleteChat('c'),
  redeemInvite: (api) => api.redeemInvite('t'),
  createInvite: (api) => api.createInvite('c'),
  listInvites: (api) => api.listInvites('c'),
  revokeInvite: (api) => api.revokeInvite('c', 'i'),
  listMembers: (api) => api.listMembers('c'),
  setMember: (api) => api.setMember('c', { userId: 'u', role: 'viewer' }),
  removeMember: (api) => api.removeMember('c', 'u'),
  getMessages: (api) => api.getMessages('c'),
  send: (api) => api.send('c', { content: 'Hi' }),
  listWaiting: (api) => api.listWaiting('c'),
  changeWaiting: (api) => api.changeWaiting('c', 'w', { content: 'Hi' }),
  removeWaiting: (api) => api.removeWaiting('c', 'w'),
  sendWaiting: (api) => api.sendWaiting('c', 'w'),
  getMessage: (api) => api.getMessage('m'),
  renderMessage: (api) => api.renderMessage('m', 'html'),
  deleteMessage: (api) => api.deleteMessage('m'),
  regenerate: (api) => api.regenerate('m'),
  continue: (api) => api.continue('m'),
  edit: (api) => api.edit('m', { content: 'Hi' }),
  decide: (api) => api.decide('m', 'call', 'approve'),
  answerCall: (api) => api.answerCall('m', 'call', null),
  uploadFile: (api) => api.uploadFile('c', new Blob(['words'])),
  getFile: (api) => api.getFile('f'),
  stop: (api) => api.stop('m'),
  stopTask: (api) => api.stopTask('t'),
  listTasks: (api) => api.listTasks(),
  listTools: (api) => api.listTools(),
  getSignIn: (api) => api.getSignIn(),
  listModels: (api) => api.listModels(),
  getMessageState: (api) => api.getMessageState('m'),
  getChatState: (api) => api.getChatState('c'),
  exportChat: (api) => api.exportChat('c'),
}

/** Routes that a program with this client does not call, and why. */
const notForClients: Record<string, string> = {
  'get /api/messages/{messageId}/events': 'for programs without this client: it follows the document itself',
  'post /api/sync': 'the line calls it where no WebSocket passes',
  'post /api/sync/{session}': 'the line calls it where no WebSocket passes',
  'post /v1/chat/completions': 'the OpenAI API, for clients of that',
  'get /v1/models': 'the OpenAI API, for clients of that',
  'get /v1/models/{model}': 'the OpenAI API, for clients of that',
  'get /healthz': 'for who runs the server',
  'get /readyz': 'for who runs the server',
  'get /openapi.json': 'the description of all these',
}

test('each route of /openapi.json has a method, and each method a route', async () => {
  const server = await start()
  const asked: { method: string; path: string }[] = []
  const { api } = connect({
    url: server.url,
    fetch: async (url, init) => {
      asked.push({ method: init!.method!.toLowerCase(), path: new URL(url as string).pathname })
      return Response.json({})
    },
  })
  const reached = new Set<string>()
  const { paths } = (await server.call('GET', '/openapi.json')).body as { paths: Record<string, object> }
  const routes = Object.entries(paths).flatMap(([template, methods]) =>
    Object.keys(methods).map((method) => ({
      name: `${method} ${template}`,
      method,
      pattern: new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    })),
  )
  for (const [name, call] of Object.entries(calls)) {
    await call(api)
    const { method, path } = asked.at(-1)!
    const route = routes.find((one) => one.method === method && one.pattern.test(path))
    expect(route, `api.${name} asks for ${method} ${path}, which is no route`).toBeDefined()
    reached.add(route!.name)
  }
  const missing = routes.map(({ name }) => name).filter((name) => !reached.has(name) && !(name in notForClients))
  expect(missing, 'routes that client.api has no method for').toEqual([])
  // Nothing is excused that is not there, or has a method after all.
  const names = new Set(routes.map(({ name }) => name))
  expect(Object.keys(notForClients).filter((name) => !names.has(name) || reached.has(name))).toEqual([])
  const methods = Object.getOwnPropertyNames(HttpApi.prototype).filter((name) => name !== 'constructor')
  expect(methods.toSorted()).toEqual(Object.keys(calls).toSorted())
})

test('a file that is uploaded can be attached, and read back; a member and an invite come and go', async () => {
  const server = await start()
  const { api } = connect({ url: server.url })
  const chat = await api.createChat()
  const file = await api.uploadFile(chat.id, new Blob(['The sea.']), { name: 'sea.txt' })
  expect(file).toMatchObject({ name: 'sea.txt', size: 8, mimeType: 'text/plain' })
  expect(await (await api.getFile(file.id)).text()).toBe('The sea.')
  const { userMessageId } = await api.send(chat.id, { content: 'Read this.', files: [file.id] })
  expect((await api.getMessage(userMessageId)).output).toMatchObject([{ type: 'text' }, { name: 'sea.txt' }])
  expect(await (await api.renderMessage(userMessageId, 'text')).text()).toContain('Read this.')
  await expect(api.uploadFile('chat_00000000', new Blob(['x']))).rejects.toMatchObject({ code: 'not_found' })

  expect(await api.setMember(chat.id, { userId: 'ada', name: 'Ada', role: 'viewer' })).toMatchObject({ name: 'Ada' })
  expect((await api.listMembers(chat.id)).items).toMatchObject([{ role: 'owner' }, { userId: 'ada', role: 'viewer' }])
  await api.removeMember(chat.id, 'ada')
  expect((await api.listMembers(chat.id)).items).toHaveLength(1)
  const invite = await api.createInvite(chat.id)
  await api.revokeInvite(chat.id, invite.id)
  expect((await api.listInvites(chat.id)).items).toEqual([])
  expect((await api.listModels()).items.length).toBeGreaterThan(0)
})

test('an upload goes by the `fetch` that the caller gave, and tells of its progress what that can tell', async () => {
  const server = await start()
  const own: (RequestWithProgress | undefined)[] = []
  const { api } = connect({
    url: server.url,
    fetch: (url, init: RequestWithProgress = {}) => {
      own.push(init)
      init.onProgress?.(0.5)
      return fetch(url, init)
    },
  })
  const { id } = await api.createChat()
  // Where there is an XMLHttpRequest, as in browsers, it is none the more used.
  vi.stubGlobal(
    'XMLHttpRequest',
    class {
      constructor() {
        throw new Error('Not asked for.')
      }
    },
  )
  onTestFinished(() => void vi.unstubAllGlobals())
  const told: number[] = []
  await api.uploadFile(id, new Blob(['The sea.']), { name: 'sea.txt', onProgress: (sent) => told.push(sent) })
  expect(told).toEqual([0, 0.5, 1])
  expect(own.at(-1)!.body).toBeInstanceOf(FormData)
  vi.unstubAllGlobals()
  const bare = connect({ url: server.url })
  told.length = 0
  await bare.api.uploadFile(id, new Blob(['The sea.']), { name: 'sea.txt', onProgress: (sent) => told.push(sent) })
  expect(told).toEqual([0, 1])
})

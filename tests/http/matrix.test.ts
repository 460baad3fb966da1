/** P8 as a matrix: every route and both sockets × everybody who may ask, with the expected answer each. */
import { request as httpRequest } from 'node:http'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { encodeFrame, FrameReader } from '../../shared/frames.ts'
import { routes } from '../../server/http/routes.ts'
import { answers, askers, rows, socketAnswers, type Asker, type Row, type Subject } from './matrix-rows.ts'
import { secret, startWithPeople, tokenOf, type Person } from './people.ts'

type Headers = Record<string, string>

/** `fetch` does not let a program choose Host and Origin. */
async function statusOf(
  url: string,
  method: string,
  headers: Headers,
  sent?: Sent,
): Promise<{ status: number; body: any }> {
  return await new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      {
        method,
        headers: {
          ...headers,
          ...(sent && { 'content-type': sent.type, 'content-length': Buffer.byteLength(sent.text) }),
        },
      },
      (response) => {
        let text = ''
        response
          .setEncoding('utf8')
          .on('data', (part) => {
            text += part
          })
          .on('end', () =>
            resolve({
              status: response.statusCode!,
              body: response.headers['content-type']?.startsWith('application/json') ? JSON.parse(text) : text,
            }),
          )
      },
    )
    request.on('error', reject)
    request.end(sent?.text)
  })
}

interface Sent {
  type: string
  text: string
}

function sentOf({ body, form }: Pick<Row, 'body' | 'form'>, subject: Subject): Sent | undefined {
  if (body) return { type: 'application/json', text: JSON.stringify(body(subject)) }
  if (!form) return undefined
  const part = (head: string, text: string) => `--edge\r\nContent-Disposition: form-data; ${head}\r\n\r\n${text}\r\n`
  const fields = Object.entries(form(subject))
    .map(([name, value]) => part(`name="${name}"`, value))
    .join('')
  return {
    type: 'multipart/form-data; boundary=edge',
    text: `${fields}${part('name="file"; filename="note.txt"', 'A note.')}--edge--\r\n`,
  }
}

/** What a socket ends in: the first message that counts, a close code, or the refusal of its upgrade. */
async function socketAnswer(url: string, headers: Headers, frames: (string | Uint8Array)[]): Promise<string> {
  const socket = new WebSocket(url, { headers })
  try {
    return await new Promise((resolve, reject) => {
      socket.on('open', () => {
        for (const frame of frames) socket.send(frame)
      })
      socket.on('unexpected-response', (_request, response) => resolve(`HTTP ${response.statusCode}`))
      socket.on('close', (code) => resolve(String(code)))
      socket.on('error', reject)
      socket.on('message', (data: Buffer, isBinary) => {
        if (isBinary) return resolve('followed')
        const message = JSON.parse(data.toString())
        if (message.type === 'refused') resolve(message.code)
      })
    })
  } finally {
    socket.on('error', () => {})
    socket.terminate()
  }
}

/** The same over HTTP: what a stream with these messages begins with. */
async function syncAnswer(url: string, headers: Headers, texts: string[]): Promise<string> {
  return await new Promise((resolve, reject) => {
    const opening = httpRequest(`${url}/api/sync`, { method: 'POST', headers }, (response) => {
      if (response.statusCode !== 200) return resolve(`HTTP ${response.statusCode}`)
      const reader = new FrameReader(1_000_000)
      response.on('error', () => {})
      response.on('data', (chunk: Buffer) => {
        for (const frame of reader.read(chunk)) {
          const message = frame.type === 'text' ? JSON.parse(frame.text) : null
          const answer =
            frame.type === 'binary'
              ? 'followed'
              : frame.type === 'close'
                ? String(frame.code)
                : message?.type === 'refused' && message.code
          if (!answer) continue
          resolve(answer)
          opening.destroy()
        }
      })
    })
    opening.on('error', reject)
    opening.end(Buffer.concat(texts.map((text) => encodeFrame({ type: 'text', text }))))
  })
}

async function startMatrix() {
  const { server, person } = await startWithPeople()
  const owner = await person('owner')
  const expired = await tokenOf('owner', { expiresInSeconds: -60 })
  const wrongAlgorithm = await new SignJWT({})
    .setProtectedHeader({ alg: 'HS512' })
    .setSubject('owner')
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret))
  const people: Partial<Record<Asker, Person>> = {
    stranger: await person('stranger'),
    viewer: await person('viewer'),
    editor: await person('editor'),
    owner,
  }

  const upload = async (chatId: string): Promise<string> => {
    const { body } = await statusOf(
      `${server.url}/api/files`,
      'POST',
      { authorization: `Bearer ${owner.token}` },
      sentOf({ form: () => ({ chatId }) }, {} as Subject),
    )
    return body.id as string
  }
  const makeSubject = async (): Promise<Subject> => {
    const chatId = (await owner.call('POST', '/api/chats', {})).body.id as string
    const [finished, invited] = await Promise.all([
      owner.call('POST', `/api/chats/${chatId}/messages`, { content: 'Hello', stream: false }),
      owner.call('POST', `/api/chats/${chatId}/invites`, { role: 'viewer' }),
      ...['viewer', 'editor', 'other'].map((userId) =>
        owner.call('POST', `/api/chats/${chatId}/members`, { userId, role: userId === 'editor' ? 'editor' : 'viewer' }),
      ),
    ])
    return {
      chatId,
      messageId: finished!.body.id,
      taskId: finished!.body.taskId,
      inviteId: invited!.body.id,
      inviteToken: invited!.body.token,
      fileId: await upload(chatId),
    }
  }

  const tokenFor = (asker: Asker, { inviteToken }: Subject): string | undefined => {
    if (asker === 'nobody') return undefined
    if (asker === 'invite') return inviteToken
    if (asker === 'expired') return expired
    if (asker === 'wrong algorithm') return wrongAlgorithm
    return (people[asker] ?? owner).token
  }
  const places = (asker: Asker): Headers =>
    asker === 'foreign Origin'
      ? { origin: 'https://evil.example' }
      : asker === 'foreign Host'
        ? { host: 'evil.example' }
        : {}
  return { server, makeSubject, tokenFor, places }
}

function pathOf(path: string, subject: Subject): string {
  return path.replace(/:(\w+)/g, (_, name: string) => (name === 'userId' ? 'other' : subject[name as keyof Subject]))
}

test('the matrix has every route that the server has, and no other', () => {
  expect(rows.map(({ route }) => route).sort()).toEqual(
    routes()
      .map(({ method, path }) => `${method.toUpperCase()} ${path}`)
      .sort(),
  )
})

describe('the answer to', () => {
  test.each(rows)('$route ($needs)', async (row) => {
    const { route, needs, ok } = row
    const { server, makeSubject, tokenFor, places } = await startMatrix()
    const [method = '', path = ''] = route.split(' ')
    const found: Record<string, number> = {}
    for (const asker of askers) {
      const subject = await makeSubject()
      const token = tokenFor(asker, subject)
      const answer = await statusOf(
        server.url + pathOf(path, subject),
        method,
        { ...places(asker), ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        sentOf(row, subject),
      )
      found[asker] = answer.status
      // A refusal says nothing of what it protects.
      if (answer.status >= 400)
        expect(Object.keys(answer.body.error)).toEqual(
          path.startsWith('/v1/') ? ['message', 'type', 'param', 'code'] : ['code', 'message'],
        )
    }
    expect(found).toEqual(Object.fromEntries(askers.map((asker, i) => [asker, answers[needs][i] || ok])))
  })

  test.each(rows.filter(({ route }) => route.includes(':')))(
    '$route is the same for what is foreign and what does not exist',
    async (row) => {
      const { route } = row
      const { server, makeSubject, tokenFor } = await startMatrix()
      const [method = '', path = ''] = route.split(' ')
      const subject = await makeSubject()
      const nowhere: Subject = {
        ...subject,
        chatId: 'chat_unknown0000',
        messageId: 'msg_unknown00000',
        taskId: 'task_unknown0000',
        fileId: 'file_unknown0000',
      }
      const headers = { authorization: `Bearer ${tokenFor('stranger', subject)}` }
      const foreign = await statusOf(server.url + pathOf(path, subject), method, headers, sentOf(row, subject))
      const unknown = await statusOf(server.url + pathOf(path, nowhere), method, headers, sentOf(row, subject))
      expect(foreign).toEqual(unknown)
      expect(foreign.status).toBe(404)
    },
  )

  test.each(['chatId', 'messageId'] as const)('a subscribe of %s on /ws, /api/sync and /yjs', async (kind) => {
    const { server, makeSubject, tokenFor, places } = await startMatrix()
    const subject = await makeSubject()
    const base = server.url.replace(/^http/, 'ws')
    const found: { ws: string[]; sync: string[]; yjs: string[] } = { ws: [], sync: [], yjs: [] }
    for (const asker of askers) {
      const token = tokenFor(asker, subject)
      found.ws.push(
        await socketAnswer(`${base}/ws`, places(asker), [
          JSON.stringify({ type: 'hello', v: 1, token }),
          JSON.stringify({ type: 'subscribe', docs: [{ doc: subject[kind] }] }),
        ]),
      )
      found.sync.push(
        await syncAnswer(
          server.url,
          { ...places(asker), ...(token !== undefined && { authorization: `Bearer ${token}` }) },
          [
            JSON.stringify({ type: 'hello', v: 1 }),
            JSON.stringify({ type: 'subscribe', docs: [{ doc: subject[kind] }] }),
          ],
        ),
      )
      found.yjs.push(
        await socketAnswer(
          `${base}/yjs/${subject[kind]}${token === undefined ? '' : `?token=${encodeURIComponent(token)}`}`,
          places(asker),
          [Uint8Array.of(0, 0, 1, 0)],
        ),
      )
    }
    expect(found).toEqual(socketAnswers)
  })
})

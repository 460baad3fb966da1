/** The login that the product has already: a form and a session cookie. Stands for whatever yours is. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Express } from 'express'

const sessions = new Map<string, { id: string; name: string }>()

/** Who is signed in; works for requests and for upgrades, which pass no middleware. */
export function userOf({ headers }: IncomingMessage): { id: string; name: string } | null {
  const session = /(?:^|;\s*)session=([\w-]+)/.exec(headers.cookie ?? '')?.[1]
  return sessions.get(session ?? '') ?? null
}

export function addLogin(app: Express): void {
  app.post('/login', (request, response) => {
    const name = String((request.body as { name?: string }).name ?? '').trim()
    if (!/^[\w ]{1,40}$/.test(name)) return void response.status(400).send('A name has letters.')
    const session = randomUUID()
    sessions.set(session, { id: name.toLowerCase().replaceAll(' ', '-'), name })
    // With `secure: true` behind TLS.
    response.cookie('session', session, { httpOnly: true, sameSite: 'lax' }).redirect('/')
  })
}

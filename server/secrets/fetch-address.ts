/** `fetch` for addresses with user and password in them, which it refuses: they go into the header that they stand for. */
import { decoded } from './secrets.ts'

/** A request that has an `Authorization` of its own keeps that. */
export async function fetchAddress(address: string | URL, init: RequestInit = {}): Promise<Response> {
  const url = new URL(address)
  const { username, password } = url
  if (username === '' && password === '') return await fetch(address, init)
  url.username = url.password = ''
  const headers = new Headers(init.headers)
  if (!headers.has('authorization')) headers.set('authorization', basic(`${decoded(username)}:${decoded(password)}`))
  return await fetch(url, { ...init, headers })
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}

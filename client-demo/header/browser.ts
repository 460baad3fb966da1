import { newKey } from '../compose/keys.ts'

const key = 'runnel-browser'
let made: string | null = null

/** The same in all tabs of this browser, and not guessable. */
export function thisBrowser(): string {
  made ??= localStorage.getItem(key) ?? newKey().slice(0, 8)
  if (localStorage.getItem(key) === null) localStorage.setItem(key, made)
  return made
}

/** What the fake has under `/v1`. */
export type Route =
  | { name: 'chat' | 'responses' | 'embeddings' | 'models' }
  | { name: 'model' | 'response' | 'cancel' | 'input_items' | 'delete'; id: string }
  /** A path that is there, with another method. */
  | { name: 'wrong method' }
  | { name: 'unknown' }

const ROUTES: [method: string, path: RegExp, make: (id: string) => Route][] = [
  ['POST', /^\/v1\/chat\/completions$/, () => ({ name: 'chat' })],
  ['POST', /^\/v1\/responses$/, () => ({ name: 'responses' })],
  ['GET', /^\/v1\/responses\/([^/]+)$/, (id) => ({ name: 'response', id })],
  ['DELETE', /^\/v1\/responses\/([^/]+)$/, (id) => ({ name: 'delete', id })],
  ['POST', /^\/v1\/responses\/([^/]+)\/cancel$/, (id) => ({ name: 'cancel', id })],
  ['GET', /^\/v1\/responses\/([^/]+)\/input_items$/, (id) => ({ name: 'input_items', id })],
  ['POST', /^\/v1\/embeddings$/, () => ({ name: 'embeddings' })],
  ['GET', /^\/v1\/models$/, () => ({ name: 'models' })],
  ['GET', /^\/v1\/models\/(.+)$/, (id) => ({ name: 'model', id })],
]

export function routeOf(method: string, path: string): Route {
  const here = ROUTES.flatMap(([asked, pattern, make]) => {
    const found = pattern.exec(path)
    return found ? [{ asked, route: make(decoded(found[1] ?? '')) }] : []
  })
  if (here.length === 0) return { name: 'unknown' }
  return here.find(({ asked }) => asked === method)?.route ?? { name: 'wrong method' }
}

/** Half an escape is what it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

import { RunnelError } from '../shared/errors.ts'

/** The server at `url`, without a slash at its end. A path is one of the page's own origin. Throws `bad_request`. */
export function baseUrl(url: string): string {
  return absolute(url).replace(/\/+$/, '')
}

function absolute(url: string): string {
  if (url !== '' && !url.startsWith('/')) return url
  const page = globalThis.location as Location | undefined
  if (page) return page.origin + url
  throw new RunnelError(
    'bad_request',
    `connect() does not know where the server is: there is no page here whose origin ${url === '' ? 'it could be' : `“${url}” could be below`}. Pass its whole address: connect({ url: 'https://runnel.example' }).`,
  )
}

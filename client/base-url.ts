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
    `Without a page, “${url}” is no address: pass the server’s, connect({ url: 'https://runnel.example' }).`,
  )
}

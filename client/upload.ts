/** What a request has beside that of `fetch`: told how much of the body has left, from 0 to 1. */
export interface RequestWithProgress extends RequestInit {
  onProgress?: ((sent: number) => void) | undefined
}

/**
 * The platform's `fetch`, which also tells `onProgress` how much of the body has left: by XMLHttpRequest, because `fetch` itself cannot over
 * HTTP/1.1. Where there is none, as in Node, it tells nothing.
 */
export const fetchWithProgress = ((url: string, init: RequestWithProgress = {}) => {
  const { onProgress, ...request } = init
  return onProgress && typeof XMLHttpRequest !== 'undefined'
    ? telling(onProgress, url, request)
    : globalThis.fetch(url, request)
}) as typeof fetch

function telling(
  onProgress: (sent: number) => void,
  url: string,
  { method = 'GET', headers, body, signal }: RequestInit,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const failed = () => reject(new TypeError('The request failed.'))
    request.open(method, url)
    for (const [name, value] of new Headers(headers)) request.setRequestHeader(name, value)
    request.responseType = 'blob'
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0)
    request.onload = () => resolve(new Response(request.response as Blob, { status: request.status }))
    request.onerror = failed
    request.onabort = failed
    signal?.addEventListener('abort', () => request.abort())
    if (signal?.aborted) return failed()
    request.send(body as FormData)
  })
}

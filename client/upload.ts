/**
 * A `fetch` that tells how much of the body has left, from 0 to 1, by XMLHttpRequest: `fetch` itself cannot. Nothing where there is none,
 * as in Node.
 */
export function telling(onProgress: (sent: number) => void): typeof fetch | undefined {
  if (typeof XMLHttpRequest === 'undefined') return undefined
  return (url, { method = 'GET', headers, body, signal } = {}) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest()
      const failed = () => reject(new TypeError('The request failed.'))
      request.open(method, String(url))
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

import { request as httpRequest } from 'node:http'

/** As it comes over the wire: `fetch` would undo what was compressed. */
export async function raw(url: string, headers: Record<string, string> = {}, method = 'GET') {
  return await new Promise<{ status: number; headers: Record<string, string>; body: Buffer }>((resolve, reject) => {
    const request = httpRequest(url, { headers, method }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers as Record<string, string>,
          body: Buffer.concat(parts),
        }),
      )
    })
    request.on('error', reject)
    request.end()
  })
}

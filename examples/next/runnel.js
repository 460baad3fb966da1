/** Where Runnel is, for the server of this app and for its visitors. */
export const runnelUrl = process.env.SERVER_URL ?? 'http://127.0.0.1:8787'

/** Asks Runnel from this app's server. */
export async function ask(method, path, body) {
  const response = await fetch(runnelUrl + path, {
    method,
    cache: 'no-store',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`Runnel answered ${response.status} to ${method} ${path}.`)
  return response.json()
}

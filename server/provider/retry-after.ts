/** How long a provider asks to wait: in milliseconds, in seconds, or until a date; undefined where it asks for nothing. */
export function retryAfterMs(headers: Headers | undefined): number | undefined {
  const inMs = Number.parseFloat(headers?.get('retry-after-ms') ?? '')
  const given = headers?.get('retry-after')?.trim() ?? ''
  const ms = Math.ceil(Number.isNaN(inMs) ? fromRetryAfter(given) : inMs)
  return ms >= 0 && Number.isSafeInteger(ms) ? ms : undefined
}

/** Some write a unit behind the seconds. */
function fromRetryAfter(given: string): number {
  if (given === '') return Number.NaN
  const seconds = Number(given)
  if (!Number.isNaN(seconds)) return seconds * 1_000
  const date = Date.parse(given)
  return Number.isNaN(date) ? Number.parseFloat(given) * 1_000 : date - Date.now()
}

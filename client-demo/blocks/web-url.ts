/** An address of the web, absolute; null for any other: a model may write what it likes. */
export function webUrl(url: string | undefined): URL | null {
  if (url === undefined) return null
  const parsed = URL.parse(url, location.href)
  return parsed && ['http:', 'https:'].includes(parsed.protocol) ? parsed : null
}

/** What the links out of this page have. */
export const apart = { target: '_blank', rel: 'noopener noreferrer' } as const

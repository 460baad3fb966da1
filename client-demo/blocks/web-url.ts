/** An absolute web address; null for anything else, because a model may write whatever it likes. */
export function webUrl(url: string | undefined): URL | null {
  if (url === undefined) return null
  const parsed = URL.parse(url, location.href)
  return parsed && ['http:', 'https:'].includes(parsed.protocol) ? parsed : null
}

/** Attributes of links that leave this page. */
export const apart = { target: '_blank', rel: 'noopener noreferrer' } as const

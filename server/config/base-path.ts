/** What is left of a request's address below a base path ('' or `/chat`), with its query; null where it is not below it. */
export function pathBelow(basePath: string, url: string): string | null {
  if (!url.startsWith(basePath)) return null
  const rest = url.slice(basePath.length)
  if (rest === '' || rest.startsWith('?')) return `/${rest}`
  return rest.startsWith('/') ? rest : null
}

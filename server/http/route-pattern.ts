import { table } from './routes.ts'

const patterns = [...new Map(table.map(({ path, slashes = false }) => [path, slashes]))].map(([path, slashes]) => ({
  path,
  segments: path.split('/'),
  slashes,
}))

/** The path of the table that this one fits, `/api/chats/:chatId`; undefined: none. */
export function routePattern(path: string): string | undefined {
  const segments = path.split('/')
  return patterns.find(
    (pattern) =>
      (pattern.slashes ? segments.length >= pattern.segments.length : segments.length === pattern.segments.length) &&
      pattern.segments.every(
        (part, i) => part.toLowerCase() === segments[i]!.toLowerCase() || (part.startsWith(':') && segments[i] !== ''),
      ),
  )?.path
}

/** What is in no table: files of the page, or nothing at all. */
export function otherRoute(status: number): string {
  return status < 400 ? 'page' : 'none'
}

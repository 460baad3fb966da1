import { readFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

/** The source behind `@runnel/core/server`, `@runnel/client`, `@runnel/testing/openai` …; null for what is none of these. */
export function sourceOf(specifier) {
  const [, name, path] = /^@runnel\/(client|core|testing)(\/.+)?$/.exec(specifier) || []
  if (name === undefined) return null
  const files = exports[(name === 'core' ? '.' : './' + name) + (path || '')]
  const built = files && (files.import || files).default
  if (built === undefined) return null
  return new URL(built.replace('./dist/', '').replace(/\.js$/, '.ts'), root).href
}

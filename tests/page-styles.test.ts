/** The style sheets of the page: a class belongs to one of them, and the page changes at few widths. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../', import.meta.url)
const sheets = globSync('client-demo/**/*.css', { cwd: root.pathname }).map((path) => ({
  path,
  css: readFileSync(new URL(path, root), 'utf8').replaceAll(/\/\*[^]*?\*\//g, ''),
}))

test('a class is drawn by one sheet: which one comes last depends on what was loaded first', () => {
  const owners = new Map<string, Set<string>>()
  for (const { path, css } of sheets)
    for (const [, selectors] of css.matchAll(/(?:^|[{};])\s*([^{};@]+?)\s*\{/g))
      for (const selector of selectors!.split(',')) {
        const name = /^\.([\w-]+)(?:::?[\w-]+)*$/.exec(selector.trim())?.[1]
        if (name) owners.set(name, (owners.get(name) ?? new Set()).add(path))
      }
  expect(owners.size).toBeGreaterThan(100)
  expect([...owners].filter(([, paths]) => paths.size > 1).map(([name, paths]) => [name, ...paths])).toEqual([])
})

test('the page changes at the widths that its tokens name, and at no others', () => {
  const widths = sheets.flatMap(({ path, css }) =>
    [...css.matchAll(/\((m(?:in|ax)-width: \d+px)\)/g)].map(([, width]) => `${path}: ${width}`),
  )
  const allowed = /: (?:max-width: (?:640|900|1199)px|min-width: (?:641|1200)px)$/
  expect(widths.length).toBeGreaterThan(10)
  expect(widths.filter((width) => !allowed.test(width))).toEqual([])
})

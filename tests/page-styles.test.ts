/** The style sheets of the page: a class belongs to one of them, and the page changes at few widths. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../', import.meta.url)
const sheets = globSync('client-demo/**/*.css', { cwd: root.pathname }).map((path) => ({
  path,
  folder: path.split('/')[1]!,
  css: readFileSync(new URL(path, root), 'utf8').replaceAll(/\/\*[^]*?\*\//g, ''),
}))
const selectors = sheets.flatMap(({ css, ...sheet }) =>
  [...css.matchAll(/(?:^|[{};])\s*([^{};@]+?)\s*\{/g)].flatMap(([, all]) =>
    all!.split(',').map((selector) => ({ ...sheet, selector: selector.trim() })),
  ),
)

/** Each class that a rule is about alone, with the sheets that have such rules. */
const owners = new Map<string, { path: string; folder: string }[]>()
for (const { path, folder, selector } of selectors) {
  const name = /^\.([\w-]+)(?:::?[\w-]+)*$/.exec(selector)?.[1]
  if (name === undefined) continue
  const known = owners.get(name) ?? []
  if (known.every((owner) => owner.path !== path)) owners.set(name, [...known, { path, folder }])
}

test('a class is drawn by one sheet: otherwise its look depends on which of them was loaded last', () => {
  expect(owners.size).toBeGreaterThan(100)
  const twice = [...owners].filter(([, sheets]) => sheets.length > 1)
  expect(twice.map(([name, sheets]) => [name, ...sheets.map(({ path }) => path)])).toEqual([])
})

/** Whole parts that a sheet of another folder places within its own. */
const placedByOthers = ['md', 'who-am-i']

test('a folder uses no class of another folder, but for those of ui', () => {
  const foreign = selectors.flatMap(({ path, folder, selector }) =>
    [...selector.matchAll(/\.([a-zA-Z][\w-]*)/g)].flatMap(([, name]) => {
      const owner = owners.get(name!)?.[0]
      const isOwn = !owner || owner.folder === folder || owner.folder === 'ui' || placedByOthers.includes(name!)
      return isOwn ? [] : [`${path}: ${selector} is of ${owner.path}`]
    }),
  )
  expect(foreign).toEqual([])
})

test('the page changes at the widths that its tokens name, and at no others', () => {
  const widths = sheets.flatMap(({ path, css }) =>
    [...css.matchAll(/\((m(?:in|ax)-width: \d+px)\)/g)].map(([, width]) => `${path}: ${width}`),
  )
  const allowed = /: (?:max-width: (?:640|900)px|min-width: (?:641|901)px)$/
  expect(widths.length).toBeGreaterThan(10)
  expect(widths.filter((width) => !allowed.test(width))).toEqual([])
})

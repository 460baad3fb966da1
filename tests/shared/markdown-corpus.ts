/** Markdown that people wrote: the fixtures, and what packages say of themselves. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export const fixtures = globSync('tests/fixtures/markdown/*.md', { cwd: root })
  .sort()
  .map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }))

const names = globSync('node_modules/**/{README,CHANGELOG,readme,changelog}.md', { cwd: root }).sort()

/** `count` of them, other ones for each seed, each at most `length` long. */
export function packageTexts(random: () => number, count: number, length: number): { name: string; text: string }[] {
  return Array.from({ length: count }, () => {
    const name = names[Math.floor(random() * names.length)]!
    const text = readFileSync(join(root, name), 'utf8')
    const start = Math.floor(random() * Math.max(0, text.length - length))
    return { name: `${name} from ${start}`, text: text.slice(start, start + length) }
  })
}

/** Numbers that a seed gives again. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0
    return ((state ^ (state >>> 13)) >>> 0) / 0x1_0000_0000
  }
}

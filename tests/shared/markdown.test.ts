/** Markdown that grows is the Markdown of its whole text, at every length, and what is finished stays. */
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { GrowingMarkdown, parseMarkdown } from '../../shared/markdown/markdown.ts'
import type { ElementNode, MarkdownNode, MarkdownTree } from '../../shared/markdown/nodes.ts'
import { Sections } from '../../shared/markdown/sections.ts'
import { fixtures, packageTexts, seeded } from './markdown-corpus.ts'

const seed = Number(process.env['RUNNEL_FUZZ_SEED'] ?? Math.floor(Math.random() * 1_000_000))
const every = fixtures.map(({ text }) => text).join('\n\n')
const blocksOf = (tree: MarkdownTree) => tree.chunks.flatMap(({ children }) => children)

function expectSame(grown: MarkdownTree, whole: MarkdownTree, where: string): void {
  if (isDeepStrictEqual(grown, whole)) return
  console.log(`${where}, seed ${seed}`)
  expect(grown).toEqual(whole)
}

/** Each step's tree is the whole one's; what stood apart from the end stays the same object unless a definition came. */
function grow(name: string, text: string, steps: () => number, isChecked: () => boolean): void {
  const markdown = new GrowingMarkdown()
  let before: readonly MarkdownNode[] = []
  for (let at = 0; at < text.length;) {
    const end = Math.min(text.length, at + steps())
    const tree = markdown.append(text.slice(at, end))
    at = end
    const blocks = blocksOf(tree)
    const where = `${name} at ${at}`
    if (isChecked()) expectSame(tree, parseMarkdown(text.slice(0, at), { isGrowing: true }), where)
    // A blank line and a whole line behind a block: nothing of it may change.
    if (!/^ {0,3}\[[^\]]+\]:/m.test(text.slice(0, at)) && !/<[a-z!/?]/i.test(text.slice(0, at))) {
      const finished = markdown.finished
      expect(
        blocks.slice(0, finished).every((block, i) => i >= before.length || block === before[i]),
        where,
      ).toBe(true)
      before = blocks.slice(0, finished)
    }
  }
  expectSame(markdown.end(), parseMarkdown(text), `${name} at its end`)
}

describe(`growing Markdown (seed ${seed})`, () => {
  test.each(fixtures)('$name, at every length', { timeout: 60_000 }, ({ name, text }) => {
    grow(
      name,
      text,
      () => 1,
      () => true,
    )
  })

  test('what packages say of themselves, in steps of 1 to 7', { timeout: 60_000 }, () => {
    const random = seeded(seed)
    for (const { name, text } of packageTexts(random, 30, 2_000))
      grow(
        name,
        text,
        () => 1 + Math.floor(random() * 7),
        () => random() < 0.08,
      )
  })

  test('edits in the middle', { timeout: 60_000 }, () => {
    const random = seeded(seed + 1)
    for (const { name, text } of [...fixtures, ...packageTexts(random, 10, 2_000)]) {
      const markdown = new GrowingMarkdown({}, text)
      let now = text
      for (let i = 0; i < 15; i++) {
        const from = Math.floor(random() * now.length)
        const other = every.slice(Math.floor(random() * every.length)).slice(0, Math.floor(random() * 300))
        now = now.slice(0, from) + other + (random() < 0.5 ? now.slice(from + 20) : '')
        const tree = markdown.replaceFrom(from, now.slice(from))
        expect(markdown.text).toBe(now)
        expectSame(tree, parseMarkdown(now, { isGrowing: true }), `${name}, edit ${i} at ${from}`)
      }
    }
  })

  test('line breaks of other systems, also cut in two', { timeout: 60_000 }, () => {
    for (const { name, text } of fixtures)
      for (const mark of ['\r\n', '\r']) {
        const other = text.replaceAll('\n', mark)
        const markdown = new GrowingMarkdown()
        for (const unit of other) markdown.append(unit)
        expectSame(markdown.end(), parseMarkdown(text), `${name} with ${JSON.stringify(mark)}`)
      }
  })

  test('a later definition gives blocks that use it their link, and no others are built again', () => {
    const markdown = new GrowingMarkdown({}, 'One [a].\n\nTwo [b] and [^1].\n\nThree.\n\nmore\n\n')
    const [one, two, three] = blocksOf(markdown.tree)
    markdown.append('[a]: https://a.example\n\n')
    const [one2, two2, three2] = blocksOf(markdown.tree)
    expect([one2 === one, two2 === two, three2 === three]).toEqual([false, true, true])
    expect(JSON.stringify(one2)).toContain('"href":"https://a.example"')
    markdown.append('[^1]: Note.\n\nend')
    const [one3, two3, three3] = blocksOf(markdown.tree)
    expect([one3 === one2, two3 === two, three3 === three]).toEqual([true, false, true])
    expect(JSON.stringify(two3)).toContain('"tag":"sup"')
  })

  test('blocks out of the growing one, rows and items are the same objects', () => {
    const markdown = new GrowingMarkdown({}, '| a |\n|---|\n| 1 |\n| 2 |\n| 3')
    const rows = () => ((blocksOf(markdown.tree)[0] as any).children[1].children as unknown[]).slice(0, 2)
    const before = rows()
    markdown.append(' |\n| 4')
    expect(rows().every((row, i) => row === before[i])).toBe(true)
    const list = new GrowingMarkdown({}, '- a\n- b\n- c')
    const items = () => ((blocksOf(list.tree)[0] as any).children as unknown[]).slice(0, 2)
    const first = items()
    list.append('d\n- e')
    expect(items().every((item, i) => item === first[i])).toBe(true)
  })

  test('a long paragraph that grows is cut where it was, and what is in it stays the same', () => {
    const random = seeded(seed + 3)
    const text = Array.from(
      { length: 4_000 },
      () => ['words', '*lean*', '`code`', '[a](b)', '**', '[', '日本'][Math.floor(random() * 7)],
    ).join(' ')
    const sections = new Sections()
    const markdown = new GrowingMarkdown()
    let before: { cut: readonly unknown[]; nodes: readonly unknown[] } = { cut: [], nodes: [] }
    for (let at = 0; at < text.length; at += 500) {
      const now = text.slice(0, at + 500)
      const cut = sections.of(now)
      expect(cut).toEqual(new Sections().of(now))
      expect(cut.map((section) => section.text).join('')).toBe(now)
      expect(cut.slice(0, before.cut.length - 1).every((section, i) => section === before.cut[i])).toBe(true)
      const [paragraph] = blocksOf(markdown.append(text.slice(at, at + 500)))
      const { children } = paragraph as ElementNode
      const last = before.nodes.findIndex((node) => (node as MarkdownNode).key.startsWith(`${before.cut.length - 1}/`))
      expect(children.slice(0, Math.max(0, last)).every((node, i) => node === before.nodes[i])).toBe(true)
      before = { cut, nodes: children }
    }
    expect(before.cut.length).toBeGreaterThan(5)
    expect(before.nodes.length).toBeGreaterThan(500)
  })

  test('keys are unique among siblings', () => {
    const check = (nodes: readonly MarkdownNode[]) => {
      const keys = nodes.map(({ key }) => key)
      expect(new Set(keys).size, keys.join()).toBe(keys.length)
      for (const node of nodes) if ('children' in node) check(node.children)
    }
    const random = seeded(seed + 2)
    for (const { text } of [...fixtures, ...packageTexts(random, 20, 4_000)]) check(blocksOf(parseMarkdown(text)))
  })

  test('finished chunks are the same objects, and a chunk has 32 blocks', () => {
    const markdown = new GrowingMarkdown({}, 'Words.\n\n'.repeat(100))
    const [first] = markdown.tree.chunks
    expect(first!.children).toHaveLength(32)
    expect(markdown.append('More.\n\nAnd more.').chunks[0]).toBe(first)
  })
})

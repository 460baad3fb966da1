/** The only file that imports KaTeX. */
import katex, { type KatexOptions } from 'katex'
import 'katex/dist/katex.min.css'

/** Longer formulas are shown as their source. */
const maxLength = 5_000

/** KaTeX's types leave its trees out. The lock file fixes the version, and a test draws with it. */
interface Trees {
  __renderToDomTree: (text: string, options: KatexOptions) => Drawn
}

interface Drawn {
  toNode: () => Node
  attributes?: Record<string, string>
  children?: Drawn[]
}

/** Null: it cannot be drawn. Built of nodes, because the page's policy forbids styles in HTML. */
export function formula(text: string, display: boolean): Node | null {
  if (text.length > maxLength) return null
  try {
    const tree = (katex as unknown as Trees).__renderToDomTree(text, {
      displayMode: display,
      throwOnError: true,
      strict: 'ignore',
      trust: false,
      maxSize: 20,
      maxExpand: 500,
    })
    const styled: string[] = []
    takeStyles(tree, styled)
    const node = tree.toNode() as HTMLElement
    for (const element of node.querySelectorAll<HTMLElement | SVGElement>('[data-styled]')) {
      element.style.cssText = styled[Number(element.dataset['styled'])] ?? ''
      delete element.dataset['styled']
    }
    return node
  } catch {
    return null
  }
}

/** The policy forbids a style attribute, but allows a style that a script sets. */
function takeStyles({ attributes, children }: Drawn, styled: string[]): void {
  const style = attributes?.['style']
  if (attributes && style !== undefined) {
    attributes['data-styled'] = String(styled.push(style) - 1)
    delete attributes['style']
  }
  for (const child of children ?? []) takeStyles(child, styled)
}

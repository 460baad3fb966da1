/** A definition of a footnote: its text without marks. */
export interface FootnoteDef {
  type: 'footnoteDef'
  raw: string
  label: string
  text: string
}

export interface LinkTarget {
  href: string
  title: string | null | undefined
}

/** What a part of a text defines. */
export interface Defines {
  links: Map<string, LinkTarget>
  notes: FootnoteDef[]
}

/** A block as far as it may define something. */
type Part =
  | { type: 'def'; tag: string; href: string; title?: string | undefined }
  | { type: 'blockquote'; tokens: Part[] }
  | { type: 'list'; items: { tokens: Part[] }[] }
  | FootnoteDef

/** Null where it is nothing. */
export function definesOf(blocks: readonly { type: string }[]): Defines | null {
  const found: Defines = { links: new Map(), notes: [] }
  collect(blocks as readonly Part[], found)
  return found.links.size === 0 && found.notes.length === 0 ? null : found
}

function collect(blocks: readonly Part[], found: Defines): void {
  for (const block of blocks)
    switch (block.type) {
      case 'def':
        if (!found.links.has(block.tag)) found.links.set(block.tag, { href: block.href, title: block.title })
        break
      case 'footnoteDef':
        found.notes.push(block)
        break
      case 'blockquote':
        collect(block.tokens, found)
        break
      case 'list':
        for (const item of block.items) collect(item.tokens, found)
    }
}

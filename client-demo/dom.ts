type Child = Node | string

/** A new element with attributes and children. Text only ever becomes text nodes, never markup. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
  node.append(...children)
  return node
}

/** Sets the text of a node if it differs, so that a selection in it survives. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

/** An address of the web, absolute; null for any other: a model may write what it likes. */
export function webUrl(url: string): URL | null {
  const parsed = URL.parse(url, location.href)
  return parsed && ['http:', 'https:'].includes(parsed.protocol) ? parsed : null
}

/** A link out of the page where the address is one to follow, else plain text. */
export function link(url: string, text: string): HTMLElement {
  const parsed = webUrl(url)
  if (!parsed) return element('span', {}, text)
  return element('a', { href: parsed.href, target: '_blank', rel: 'noopener noreferrer' }, text)
}

/** The sentence of anything that was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

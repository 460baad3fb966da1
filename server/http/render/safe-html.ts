import { Marked } from 'marked'
import sanitizeHtml, { type IOptions } from 'sanitize-html'
import { escapeHtml } from './escape.ts'

/** Images are links here: one that is loaded by itself tells a stranger who reads. Boxes of task lists are characters: no form controls. */
const marked = new Marked({
  gfm: true,
  async: false,
  renderer: {
    image: ({ href, text }) => `<a href="${escapeHtml(href)}">${escapeHtml(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
})

/** What may come out. Whatever is not named is dropped: all handlers, styles, ids, frames, forms, SVG, MathML. */
const allowed: IOptions = {
  allowedTags: [
    'a',
    'abbr',
    'b',
    'blockquote',
    'br',
    'caption',
    'code',
    'dd',
    'del',
    'details',
    'dl',
    'dt',
    'em',
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'hr',
    'i',
    'ins',
    'kbd',
    'li',
    'mark',
    'ol',
    'p',
    'pre',
    'q',
    's',
    'samp',
    'strong',
    'sub',
    'summary',
    'sup',
    'table',
    'tbody',
    'td',
    'tfoot',
    'th',
    'thead',
    'tr',
    'ul',
  ],
  allowedAttributes: {
    a: ['href', 'title', 'rel'],
    ol: ['start'],
    td: ['align', 'colspan', 'rowspan'],
    th: ['align', 'colspan', 'rowspan'],
  },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowedSchemesAppliedToAttributes: ['href'],
  allowProtocolRelative: false,
  disallowedTagsMode: 'discard',
  nonTextTags: [
    'script',
    'style',
    'textarea',
    'option',
    'noscript',
    'iframe',
    'xmp',
    'noembed',
    'noframes',
    'plaintext',
    'template',
    'title',
    'svg',
    'math',
    'object',
  ],
  nestingLimit: 100,
  transformTags: {
    a: (tagName, attribs) => ({ tagName, attribs: { ...attribs, rel: 'noopener noreferrer nofollow' } }),
  },
}

/** HTML of Markdown that anybody may have written, with nothing active in it and every tag closed. */
export function safeHtml(markdown: string): string {
  return sanitizeHtml(marked.parse(markdown) as string, allowed)
}

/** Undefined for an address that is neither of the web nor of this server. */
export function safeUrl(url: string): string | undefined {
  return URL.canParse(url)
    ? /^https?:$/.test(new URL(url).protocol)
      ? url
      : undefined
    : /^\/(?![/\\])/.test(url)
      ? url
      : undefined
}

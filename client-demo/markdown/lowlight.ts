/** The only file that imports highlighting. Each grammar is loaded when it is first needed. */
import type { LanguageFn } from 'highlight.js'
import { createLowlight } from 'lowlight'
import type { Token } from './token.ts'

const grammars: ReadonlyMap<string, () => Promise<{ default: LanguageFn }>> = new Map(
  Object.entries({
    bash: () => import('highlight.js/lib/languages/bash'),
    c: () => import('highlight.js/lib/languages/c'),
    clojure: () => import('highlight.js/lib/languages/clojure'),
    cmake: () => import('highlight.js/lib/languages/cmake'),
    cpp: () => import('highlight.js/lib/languages/cpp'),
    csharp: () => import('highlight.js/lib/languages/csharp'),
    css: () => import('highlight.js/lib/languages/css'),
    dart: () => import('highlight.js/lib/languages/dart'),
    diff: () => import('highlight.js/lib/languages/diff'),
    dockerfile: () => import('highlight.js/lib/languages/dockerfile'),
    elixir: () => import('highlight.js/lib/languages/elixir'),
    erlang: () => import('highlight.js/lib/languages/erlang'),
    fsharp: () => import('highlight.js/lib/languages/fsharp'),
    go: () => import('highlight.js/lib/languages/go'),
    graphql: () => import('highlight.js/lib/languages/graphql'),
    groovy: () => import('highlight.js/lib/languages/groovy'),
    haskell: () => import('highlight.js/lib/languages/haskell'),
    http: () => import('highlight.js/lib/languages/http'),
    ini: () => import('highlight.js/lib/languages/ini'),
    java: () => import('highlight.js/lib/languages/java'),
    javascript: () => import('highlight.js/lib/languages/javascript'),
    json: () => import('highlight.js/lib/languages/json'),
    julia: () => import('highlight.js/lib/languages/julia'),
    kotlin: () => import('highlight.js/lib/languages/kotlin'),
    latex: () => import('highlight.js/lib/languages/latex'),
    less: () => import('highlight.js/lib/languages/less'),
    lisp: () => import('highlight.js/lib/languages/lisp'),
    lua: () => import('highlight.js/lib/languages/lua'),
    makefile: () => import('highlight.js/lib/languages/makefile'),
    markdown: () => import('highlight.js/lib/languages/markdown'),
    matlab: () => import('highlight.js/lib/languages/matlab'),
    nginx: () => import('highlight.js/lib/languages/nginx'),
    nix: () => import('highlight.js/lib/languages/nix'),
    objectivec: () => import('highlight.js/lib/languages/objectivec'),
    ocaml: () => import('highlight.js/lib/languages/ocaml'),
    perl: () => import('highlight.js/lib/languages/perl'),
    php: () => import('highlight.js/lib/languages/php'),
    powershell: () => import('highlight.js/lib/languages/powershell'),
    properties: () => import('highlight.js/lib/languages/properties'),
    protobuf: () => import('highlight.js/lib/languages/protobuf'),
    python: () => import('highlight.js/lib/languages/python'),
    r: () => import('highlight.js/lib/languages/r'),
    ruby: () => import('highlight.js/lib/languages/ruby'),
    rust: () => import('highlight.js/lib/languages/rust'),
    scala: () => import('highlight.js/lib/languages/scala'),
    scss: () => import('highlight.js/lib/languages/scss'),
    sql: () => import('highlight.js/lib/languages/sql'),
    swift: () => import('highlight.js/lib/languages/swift'),
    typescript: () => import('highlight.js/lib/languages/typescript'),
    vbnet: () => import('highlight.js/lib/languages/vbnet'),
    vim: () => import('highlight.js/lib/languages/vim'),
    wasm: () => import('highlight.js/lib/languages/wasm'),
    x86asm: () => import('highlight.js/lib/languages/x86asm'),
    xml: () => import('highlight.js/lib/languages/xml'),
    yaml: () => import('highlight.js/lib/languages/yaml'),
  }),
)

/** Grammars that others contain. */
const within: ReadonlyMap<string, readonly string[]> = new Map([
  ['markdown', ['xml']],
  ['php', ['xml', 'css', 'javascript']],
  ['xml', ['css', 'javascript']],
])

const lowlight = createLowlight()
const brought = new Map<string, Promise<boolean>>()

/** False: it could not be loaded. */
export function bringGrammar(module: string): Promise<boolean> {
  let coming = brought.get(module)
  if (!coming) brought.set(module, (coming = bring(module)))
  return coming
}

async function bring(module: string): Promise<boolean> {
  try {
    const all = [module, ...(within.get(module) ?? [])]
    const loaded = await Promise.all(all.map(async (name) => [name, (await grammars.get(name)!()).default] as const))
    lowlight.register(Object.fromEntries(loaded))
    return true
  } catch {
    // The next use tries to load it again.
    brought.delete(module)
    return false
  }
}

type Nodes = ReturnType<typeof lowlight.highlight>['children']

/**
 * What stands above a piece, as far back as it has to be read: to a place where nothing is open, such as a comment. Null: that is too far
 * away, so that nobody knows how the piece begins.
 */
export type Above = string | null

/** Longer ones would hold the page up. */
const longestAbove = 32_000

/** A piece with its tokens, null where they cannot be told, and what the piece behind it has above. */
export function tokensOf(module: string, above: Above, text: string): { tokens: Token[] | null; next: Above } {
  if (above === null) return { tokens: null, next: null }
  const { children } = lowlight.highlight(module, above + text)
  const tokens: Token[] = []
  let left = above.length
  let at = 0
  let open = above.length
  const read = (nodes: Nodes, kind: string) => {
    for (const node of nodes) {
      if (node.type === 'text') {
        const words = node.value.slice(left)
        left = Math.max(0, left - node.value.length)
        at += node.value.length
        if (words !== '') tokens.push({ kind, text: words })
      } else if (node.type === 'element') {
        read(node.children, (node.properties['className'] as string[] | undefined)?.join(' ') ?? kind)
      }
    }
  }
  for (const node of children) {
    const begin = at
    read([node], '')
    // The piece begins within it.
    if (node.type === 'element' && begin < above.length && at > above.length) open = begin
  }
  const next = (above + text).slice(open)
  return { tokens, next: next.length > longestAbove ? null : next }
}

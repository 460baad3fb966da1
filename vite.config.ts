import { defineConfig, type Plugin } from 'vite'
import { shellOfPage } from './scripts/page-shell.ts'

const own = (path: string) => new URL(path, import.meta.url).pathname

const around = new Set(
  ['list/chat-list', 'page/attention', 'conversation/answer-acts', 'conversation/question-acts'].map((name) =>
    own(`client-demo/${name}.tsx`),
  ),
)

/** The fonts of formulas come in three formats; every browser that the page is for reads this one. */
const woff2Alone: Plugin = {
  name: 'woff2 alone',
  enforce: 'pre',
  transform: (code, id) =>
    id.includes('katex') && id.endsWith('.css')
      ? code.replaceAll(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\(["'][^"']*["']\)/g, '')
      : undefined,
}

/** What reads a chat is asked for with the page itself, one way sooner than by its code. */
const laterAtOnce: Plugin = {
  name: 'later at once',
  transformIndexHtml: {
    order: 'post',
    handler: (_html, { bundle = {} }) =>
      Object.values(bundle)
        .filter((file) => file.type === 'chunk' && file.name === 'later')
        .map(({ fileName }) => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `./${fileName}` },
          injectTo: 'head' as const,
        })),
  },
}

// The demo page. The server serves it from dist/page, whether it runs from source or from dist/.
export default defineConfig({
  root: 'client-demo',
  base: './',
  plugins: [woff2Alone, laterAtOnce, shellOfPage()],
  oxc: { jsx: { runtime: 'automatic' } },
  resolve: {
    // As a program that has installed the package writes it.
    alias: [
      { find: /^@runnel\/client$/, replacement: own('client/index.ts') },
      { find: /^@runnel\/client\/react$/, replacement: own('client/react/index.ts') },
      { find: /^@runnel\/client\/react\/markdown$/, replacement: own('client/react/markdown/index.ts') },
      { find: /^@runnel\/client\/lab$/, replacement: own('client/lab/index.ts') },
      { find: /^@runnel\/client\/markdown$/, replacement: own('client/markdown/index.ts') },
    ],
  },
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    // Every browser that has what the page needs knows it.
    modulePreload: { polyfill: false },
    // The page's policy takes fonts from files alone.
    assetsInlineLimit: (file) => (/\.woff2?$/.test(file) ? false : undefined),
    // `sideEffects: false` in package.json speaks of the library; the page is a program.
    rolldownOptions: {
      treeshake: { moduleSideEffects: true },
      input: {
        index: own('client-demo/index.html'),
        worker: own('client-demo/worker.ts'),
      },
      output: {
        // A worker rules what stands below it, under a name that stays.
        entryFileNames: ({ name }) => (name === 'worker' ? 'worker.js' : 'assets/[name]-[hash].js'),
        // Each file costs one way, and browsers ask for six at once: what is needed together comes together.
        codeSplitting: {
          groups: [
            // The first paint, however many later parts share pieces of it: as one it packs better.
            { name: 'page', tags: ['$initial'], test: (id) => !id.endsWith('/worker.ts'), priority: 3 },
            // What the client loads for itself as soon as it is used, and the text of an open chat.
            { name: 'later', test: own('client/later.ts'), priority: 2 },
            { name: 'text', test: own('client-demo/markdown/block-markdown.tsx'), priority: 2 },
            // What stands around it on every page.
            { name: 'around', test: (id) => around.has(id), priority: 1 },
          ],
        },
      },
      // 'use client' means nothing where all is the client's.
      onLog: (level, log, next) => (log.code === 'MODULE_LEVEL_DIRECTIVE' ? undefined : next(level, log)),
    },
  },
})

import { defineConfig } from 'vite'

const own = (path: string) => new URL(path, import.meta.url).pathname

// The demo page. The server serves it from dist/page, whether it runs from source or from dist/.
export default defineConfig({
  root: 'client-demo',
  base: './',
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
    // `sideEffects: false` in package.json speaks of the library; the page is a program.
    rolldownOptions: {
      treeshake: { moduleSideEffects: true },
      // What the first paint needs comes as one file, however many later parts share pieces of it: it packs better, and costs one way.
      output: { codeSplitting: { groups: [{ name: 'page', tags: ['$initial'] }] } },
      // 'use client' means nothing where all is the client's.
      onLog: (level, log, next) => (log.code === 'MODULE_LEVEL_DIRECTIVE' ? undefined : next(level, log)),
    },
  },
})

import { defineConfig } from 'vite'

// The demo page. The server serves it from dist/page, whether it runs from source or from dist/.
export default defineConfig({
  root: 'client-demo',
  base: './',
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    // `sideEffects: false` in package.json speaks of the library; the page is a program.
    rolldownOptions: { treeshake: { moduleSideEffects: true } },
  },
})

import { defineConfig } from 'vite'

// The frame that draws diagrams: a program of its own, which shares nothing with the page. Built behind it, into the same folder.
export default defineConfig({
  root: 'client-demo',
  base: './',
  build: {
    outDir: '../dist/page',
    emptyOutDir: false,
    target: 'es2022',
    // What lays out the largest diagrams is larger than what a page should have, and is loaded for them alone.
    chunkSizeWarningLimit: 1_600,
    rolldownOptions: { input: new URL('client-demo/diagram.html', import.meta.url).pathname },
  },
})

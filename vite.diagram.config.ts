import { defineConfig } from 'vite'

// The frame that draws diagrams: a program of its own, which shares nothing with the page. Built behind it, into the same folder.
export default defineConfig({
  root: 'client-demo',
  base: './',
  build: {
    outDir: '../dist/page',
    emptyOutDir: false,
    target: 'es2022',
    rolldownOptions: { input: new URL('client-demo/diagram.html', import.meta.url).pathname },
  },
})

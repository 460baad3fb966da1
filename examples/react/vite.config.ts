import { defineConfig } from 'vite'

const runnel = { target: process.env.SERVER_URL ?? 'http://127.0.0.1:8787', ws: true }

// The page and Runnel have one address, so the browser sees no other origin. The host stays the page's: Runnel compares the two.
export default defineConfig({
  oxc: { jsx: { runtime: 'automatic' } },
  server: { proxy: { '/api': runnel, '/ws': runnel } },
})

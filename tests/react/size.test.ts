/** What the hooks add to a page that has the client already. */
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { expect, test } from 'vitest'

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))

/** Minified and gzipped, what is loaded at once; React is the page's own. */
async function bytesOf(source: string): Promise<number> {
  const built = (await build({
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? '\0entry' : null),
        load: (id) => (id === '\0entry' ? source : null),
      },
    ],
    build: {
      write: false,
      minify: true,
      target: 'es2022',
      rolldownOptions: { input: 'entry', external: [/^react/], preserveEntrySignatures: 'strict' },
    },
  })) as Rolldown.RolldownOutput
  const chunks = built.output.filter((chunk) => chunk.type === 'chunk')
  const first = new Set(chunks.filter(({ isEntry }) => isEntry))
  for (const { imports } of first) for (const chunk of chunks) if (imports.includes(chunk.fileName)) first.add(chunk)
  return [...first].reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)
}

const client = `export { connect } from '${path('client/index.ts')}'`
const hooks = (names: string) => `${client}\nexport ${names} from '${path('client/react/index.ts')}'`
const shows = 'RunnelProvider, useBlock, useBlockText, useBranch, useChat, useConnection, useMessage, usePresence'

test('what shows a chat is 3 kB more, and all hooks are less than 6', { timeout: 60_000 }, async () => {
  const without = await bytesOf(client)
  expect(without).toBeGreaterThan(20_000)
  expect((await bytesOf(hooks(`{ ${shows} }`))) - without).toBeLessThanOrEqual(3_000)
  expect((await bytesOf(hooks('*'))) - without).toBeLessThanOrEqual(6_000)
})

/** Answers from a folder of Markdown files. */
import { fileURLToPath } from 'node:url'
// In a project of yours: from '@runnel/core/server'.
import { createRunnel } from '../../server/index.ts'
import { answersFromFolder } from './answers-from-folder.ts'
import { indexFolder } from './search.ts'

const folder = process.argv[2] ?? fileURLToPath(new URL('./pages', import.meta.url))
const search = indexFolder(folder)
const runnel = createRunnel({
  DATABASE_URL: 'memory:',
  ...process.env,
  filters: [answersFromFolder(search, (file) => `https://example.com/pages/${file}`)],
})
const { url } = await runnel.listen()
console.log(`Ask about ${folder} at ${url}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void runnel.close())

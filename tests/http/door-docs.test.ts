/** The examples of `docs/DOOR.md`, run as they stand there. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { answer } from '../../testing/index.ts'
import { startDoor } from './door-client.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/DOOR.md'), 'utf8')
const examples = [...page.matchAll(/^```(js|bash)\n(.*?)^```$/gms)].map(
  ([, language = '', code = '']) => [language, code] as const,
)

test.each(examples)('%s', async (language, code) => {
  const { server } = await startDoor({}, { fallback: answer({ text: 'The moon pulls.' }) })
  const own = code.replaceAll('http://127.0.0.1:8787', server.url)
  const [command, args] =
    language === 'js' ? [process.execPath, ['--input-type=module', '-e', own]] : ['bash', ['-c', own]]
  const { stdout } = await promisify(execFile)(command as string, args as string[], { cwd: root })
  expect(stdout.replaceAll(/.*"content":"(.+)"},.*\n\n/g, '$1')).toContain('The moon pulls.')
})

test('has examples for the SDK and for curl', () => {
  expect(examples.map(([language]) => language)).toEqual(['js', 'bash', 'js'])
})

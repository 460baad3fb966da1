import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execProgram, root } from './packed.ts'

/** Every entry with its types. Lines that must not pass say so: types that became `any` would let them. */
const ON_NODE = `
import { createRunnel, defineConfig, memoryStore, RunnelError, type Cluster, type Runnel, type Store } from '@runnel/core/server'
import * as ofTheCore from '@runnel/core/client'
import { clusterContract, type TestTools } from '@runnel/core/testing/contracts'
import { startFakeOpenAI as ownFake } from '@runnel/core/testing'
import * as ofTheClient from '@runnel/client'
import { storeContract } from '@runnel/testing/contracts'
import { startFakeOpenAI, type FakeOpenAI } from '@runnel/testing/openai'
import { startRunnel, SseReader } from '@runnel/testing'

const fake: FakeOpenAI = await startFakeOpenAI()
const other: FakeOpenAI = await ownFake()
const runnel: Runnel = await createRunnel({ HOST: '127.0.0.1', PORT: 0, DATABASE_URL: 'memory:' })
const { url }: { url: string } = await runnel.listen()
console.log(fake.url, other.url, url, SseReader, startRunnel, defineConfig, memoryStore)
// What one copy makes, the other takes.
const client: ofTheClient.Client = ofTheCore.connect({ url })
const back: ofTheCore.Client = ofTheClient.connect({ url })
const error: ofTheClient.RunnelError = new RunnelError('busy', '')
console.log(client, back, error.code)
declare const own: { store: Store; cluster: Cluster; tools: TestTools }
clusterContract(() => own.cluster, own.tools)
storeContract(() => own.store, own.tools)
// @ts-expect-error
clusterContract(() => own.store, own.tools)
// @ts-expect-error
await createRunnel({ PORT: {} })
`

/** In a browser nobody has the types of Node. */
const IN_BROWSER = `
import { connect, type Client, type LiveChat, type LiveMessage } from '@runnel/client'
import { GrowingMarkdown, MarkdownView } from '@runnel/client/markdown'
import { TextPieces } from '@runnel/client/pieces'

const client: Client = connect({ url: '' })
const message: LiveMessage = client.message('msg_1')
const chat: LiveChat = client.chat('chat_1')
const status: string | undefined = message.getSnapshot().message?.status
console.log(status, chat.branch, GrowingMarkdown, MarkdownView, TextPieces)
// @ts-expect-error
connect({ url: 1 })
`

/** What a compiler says of a project that uses all packages, with the types of everything it reaches checked; '' for nothing. */
export async function checkTypes(
  folder: string,
  typescript: string,
  resolution: 'bundler' | 'node16' | 'nodenext',
): Promise<string> {
  const said: string[] = []
  for (const [name, text, types] of [
    ['on-node', ON_NODE, ['node']],
    ['in-browser', IN_BROWSER, []],
  ] as const) {
    await writeFile(join(folder, `${name}.ts`), text)
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2022', 'dom', 'dom.iterable'],
      module: resolution === 'bundler' ? 'esnext' : resolution,
      moduleResolution: resolution,
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types,
      typeRoots: [join(root, 'node_modules/@types')],
    }
    const config = `tsconfig.${name}.${resolution}.json`
    await writeFile(join(folder, config), JSON.stringify({ compilerOptions, files: [`${name}.ts`] }))
    await execProgram(folder, process.execPath, join(typescript, 'bin/tsc'), '-p', config).catch((error: unknown) =>
      said.push(String(error)),
    )
  }
  return said.join('\n')
}

/** The provider streams that tests read: the recorded corpus where there is one, else the project's own. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Expected } from './expected-message.ts'

export interface CorpusStream {
  /** `<api>/<provider>--<name>` */
  name: string
  api: 'chat' | 'responses'
  sse: Uint8Array
  expected: Expected
  /** Byte lengths of the network reads in which the body arrived, where they are known. */
  reads?: number[]
}

const folders = [
  ['chat-completions', 'chat'],
  ['responses', 'responses'],
] as const

export function ownStreamsRoot(): string {
  return join(import.meta.dirname, '../fixtures/streams')
}

/** The folder that `RUNNEL_STREAM_CORPUS` names, if it names one. */
export function recordedStreamsRoot(): string | undefined {
  return process.env.RUNNEL_STREAM_CORPUS || undefined
}

export function readCorpus(root: string): CorpusStream[] {
  return folders.flatMap(([folder, api]) => {
    const files = existsSync(join(root, folder)) ? readdirSync(join(root, folder)).sort() : []
    return files
      .filter((file) => file.endsWith('.sse'))
      .map((file) => {
        const stem = join(root, folder, file.slice(0, -'.sse'.length))
        const reads = existsSync(`${stem}.reads.json`)
          ? (readJson(`${stem}.reads.json`) as number[] | { reads: number[] })
          : undefined
        return {
          name: `${folder}/${file.slice(0, -'.sse'.length)}`,
          api,
          sse: readFileSync(`${stem}.sse`),
          expected: readJson(`${stem}.expected.json`) as Expected,
          ...(reads ? { reads: Array.isArray(reads) ? reads : reads.reads } : {}),
        }
      })
  })
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** Situations that came out wrong once, each with what must come out: those beside the recorded streams, where they are. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { recordedStreamsRoot } from '../helpers/corpus.ts'
import { faultsOf, playBody, type CaseOutcome } from '../helpers/outcome.ts'

const recorded = recordedStreamsRoot()
const folder = recorded && join(recorded, '../cases/streams')
const cases = folder && existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.sse')) : []

test.skipIf(cases.length === 0).each(cases.length > 0 ? cases : ['none'])('%s', async (file) => {
  const api = file.startsWith('chat-') ? 'chat' : 'responses'
  const sse = readFileSync(join(folder!, file), 'utf8')
  const expected = JSON.parse(
    readFileSync(join(folder!, file.replace(/\.sse$/, '.expected.json')), 'utf8'),
  ) as CaseOutcome
  const variants = [sse, sse.replaceAll('\n', '\r\n'), sse.includes('[DONE]') ? sse : `${sse}\n\ndata: [DONE]\n\n`]
  for (const body of variants)
    for (const cuts of ['whole', 'bytes'] as const)
      expect(faultsOf(await playBody(api, body, cuts), expected)).toEqual([])
})

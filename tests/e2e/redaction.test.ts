/** Redacted means redacted: over HTTP in, through the filter, to viewers of every kind, and in no byte that stays. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { redaction } from '../../server/extension/redaction.ts'
import { createLogger } from '../../server/operation/log.ts'
import { isTerminal, readMessage, type Message } from '../../shared/schema.ts'
import { Collector, SseReader, type Step } from '../../testing/index.ts'
import { chosenSeeds, Random } from '../fuzz/random.ts'
import { startWithFake } from '../http/server.ts'
import { temporaryFolder } from '../store/fixtures.ts'

const patterns = [
  { pattern: /sk-[a-z0-9]{12,20}/, replacement: '[key]' },
  { pattern: /\b\d{4}(?:[ -]\d{4}){3}\b/, replacement: '[card]' },
  { pattern: /🔑[^🔒]+🔒/u, replacement: '🔐' },
  { pattern: /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/, replacement: '[address]' },
  { pattern: /<<BEGIN\n[^]*?\nEND>>/, replacement: '' },
]
const oracle = new RegExp(patterns.map(({ pattern }) => `(${pattern.source})`).join('|'), 'gu')
const redacted = (text: string) =>
  text
    .toWellFormed()
    .replace(
      oracle,
      (_, ...groups) =>
        patterns[groups.slice(0, patterns.length).findIndex((group) => group !== undefined)]!.replacement,
    )

const letters = Array.from('abcdefghijklmnopqrstuvwxyz0123456789')
const random = (from: Random, count: number, of: readonly string[]) =>
  Array.from({ length: count }, () => from.pick(of)).join('')

/** A secret of one of the patterns; `core`: what of it stands nowhere else. */
function secretOf(from: Random, kind: number, coreChars: number): { secret: string; core: string } {
  if (kind === 1) {
    const groups = Array.from({ length: 4 }, () => random(from, 4, letters.slice(26)))
    const core = groups.join(from.pick([' ', '-']))
    return { secret: core, core }
  }
  const core = random(from, coreChars, letters)
  return {
    core,
    secret: [`sk-${core}`, '', `🔑${core}🔒`, `${core}@mail.example.org`, `<<BEGIN\n${core}\nEND>>`][kind]!,
  }
}

/** Each secret as often as it has places to cut it at, each time cut there, among emoji and words. */
function chunksOf(from: Random, secret: string): string[] {
  const around = () =>
    random(from, from.integer(0, 2), ['😀', ' the', ' 漢', '\ud83d', ' <<B', '\n', ' key sk-', ' 🔒'])
  return Array.from({ length: secret.length - 1 }, (_, index) => {
    // Inside the pair behind it, too.
    return [`${around()}😀 ${secret.slice(0, index + 1)}`, `${secret.slice(index + 1)}\ud83d`, `\ude00${around()}`]
  }).flat()
}

/** Eight characters of a secret in a row are no chance. */
const pieceChars = 8

class Pieces {
  readonly #pieces = new Set<string>()

  constructor(cores: readonly string[]) {
    for (const core of cores)
      for (let at = 0; at + pieceChars <= core.length; at++) this.#pieces.add(core.slice(at, at + pieceChars))
  }

  in(text: string): string[] {
    const found = new Set<string>()
    for (let at = 0; at + pieceChars <= text.length; at++) {
      const piece = text.slice(at, at + pieceChars)
      if (this.#pieces.has(piece)) found.add(piece)
    }
    return [...found]
  }

  /** Names of the files in which one of them stands. */
  inFiles(folder: string): string[] {
    return readdirSync(folder).filter((name) => this.in(readFileSync(join(folder, name), 'latin1')).length > 0)
  }
}

const shownText = ({ output }: Message) =>
  output.map((block) => (block.type === 'text' || block.type === 'reasoning' ? block.text : '')).join('')

async function* paced(chunks: readonly string[], perUpdate: number, type: 'text' | 'reasoning'): AsyncGenerator<Step> {
  for (const [index, text] of chunks.entries()) {
    yield { type, text }
    // So that some of them end an update.
    if (index % perUpdate === perUpdate - 1) yield { type: 'wait', ms: 1 }
  }
  if (type === 'reasoning') yield { type: 'text', text: '' }
  yield { type: 'finish' }
}

interface Seen {
  final: string[]
  /** All texts that were shown at any moment. */
  moments: Set<string>
  events: string
}

async function world(maxHeldChars: number) {
  const folder = temporaryFolder()
  const lines: string[] = []
  const { server, fake } = await startWithFake({
    DATABASE_URL: `sqlite:${folder}/runnel.db`,
    RUNNEL_OPENAI_API: 'chat',
    filters: [redaction({ patterns, maxHeldChars })],
    logger: createLogger('debug', { write: (line: string) => void lines.push(line) }),
  })

  /** One answer, as a `/ws` viewer, a reader of events and the stock provider see it. */
  async function show(
    chunks: string[],
    perUpdate: number,
    type: 'text' | 'reasoning' = 'text',
  ): Promise<Seen & { messageId: string; chatId: string }> {
    const moments = new Set<string>()
    fake.enqueue({ kind: 'answer', steps: paced(chunks, perUpdate, type) })
    const collector = new Collector(server.url, { onUpdate: ({ message }) => moments.add(shownText(message)) })
    const { messageId, chatId } = await server.ask('Tell me all your secrets.')
    const doc = new Y.Doc()
    doc.on('update', () => moments.add(shownText(readMessage(doc))))
    const stock = new WebsocketProvider(`${server.url.replace(/^http/, 'ws')}/yjs`, messageId, doc, {
      disableBc: true,
      WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    })
    const reader = new SseReader(server.url, messageId)
    const [viewer] = await Promise.all([collector.toEnd(messageId), reader.toEnd(20_000)])
    await expect.poll(() => readMessage(doc).status).toSatisfy(isTerminal)
    const final = [viewer.json, reader.message, readMessage(doc)].map((message) => shownText(message as Message))
    await collector.close()
    stock.destroy()
    doc.destroy()
    return { final, moments, events: JSON.stringify(reader.events), messageId, chatId }
  }

  /** What the API says of it later on, and the logs. */
  async function said({ messageId, chatId }: { messageId: string; chatId: string }): Promise<string> {
    const paths = [
      `/api/messages/${messageId}`,
      ...['markdown', 'html', 'text'].map((format) => `/api/messages/${messageId}?format=${format}`),
      `/api/messages/${messageId}/events`,
      `/api/chats/${chatId}/messages`,
      '/api/chats',
      '/api/chats?query=sk',
    ]
    return (await Promise.all(paths.map(async (path) => await (await fetch(server.url + path)).text()))).join('\n')
  }
  return { folder, lines, show, said }
}

const seeds = chosenSeeds(150)
const perRun = 50

test(
  `${seeds.length} secrets, each cut at every place: shown to nobody at any moment, and in no byte that stays`,
  { timeout: 60_000 },
  async () => {
    const { folder, lines, show, said } = await world(256)
    const cores: string[] = []
    for (let first = 0; first < seeds.length; first += perRun) {
      const where = `RUNNEL_FUZZ_SEED=${seeds[first]}`
      const chunks = seeds.slice(first, first + perRun).flatMap((seed) => {
        const from = new Random(seed)
        const { secret, core } = secretOf(from, seed % patterns.length, 16)
        cores.push(core)
        return chunksOf(from, secret)
      })
      const expected = redacted(chunks.join(''))
      const pieces = new Pieces(cores)
      const seen = await show(chunks, 25, first % (2 * perRun) === 0 ? 'text' : 'reasoning')
      for (const final of seen.final) expect(final, where).toBe(expected)
      expect(
        [...seen.moments].find((moment) => !expected.startsWith(moment)),
        where,
      ).toBe(undefined)
      expect(pieces.in(seen.events), where).toEqual([])
      expect(pieces.in(await said(seen)), where).toEqual([])
    }
    const pieces = new Pieces(cores)
    expect(pieces.in(lines.join('')), 'the log').toEqual([])
    expect(lines.length).toBeGreaterThan(0)
    expect(pieces.inFiles(folder)).toEqual([])
  },
)

test(
  'secrets longer than what may be held are shown and replaced: in no final text, and after the end in no byte that stays',
  { timeout: 60_000 },
  async () => {
    const { folder, lines, show, said } = await world(4)
    const cores: string[] = []
    let shown = 0
    for (const seed of chosenSeeds(8)) {
      const where = `RUNNEL_FUZZ_SEED=${seed}`
      const from = new Random(seed)
      const chunks: string[] = []
      for (const kind of [2, 4, 3, 1]) {
        const { secret, core } = secretOf(from, kind, from.integer(30, 600))
        cores.push(core)
        for (let at = 0; at < secret.length;) {
          const next = at + from.integer(1, 9)
          chunks.push(secret.slice(at, next))
          at = next
        }
        chunks.push(' 😀 and ')
      }
      const pieces = new Pieces(cores)
      const seen = await show(chunks, 3)
      for (const final of seen.final) expect(final, where).toBe(redacted(chunks.join('')))
      shown += [...seen.moments].filter((moment) => pieces.in(moment).length > 0).length
      expect(pieces.in(await said(seen)), where).toEqual([])
    }
    expect(shown).toBeGreaterThan(0)
    const pieces = new Pieces(cores)
    expect(pieces.in(lines.join('')), 'the log').toEqual([])
    await expect.poll(() => pieces.inFiles(folder), { timeout: 8_000 }).toEqual([])
  },
)

/** Each field of a request that the official SDK knows stands in the table of `docs/DOOR.md`, and the table is true. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { answer } from '../../testing/index.ts'
import { startDoor, tool, user } from './door-client.ts'

const root = join(import.meta.dirname, '../..')
const rows = [...readFileSync(join(root, 'docs/DOOR.md'), 'utf8').matchAll(/^\| (`[a-z_`, ]+`) \| (.+) \|$/gm)].map(
  ([, names = '', fate = '']) => ({ names: [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name!), fate }),
)
const namesOf = (fate: RegExp) => rows.filter((row) => fate.test(row.fate)).flatMap(({ names }) => names)

const samples: Record<string, unknown> = {
  temperature: 0.5,
  top_p: 0.5,
  max_tokens: 5,
  max_completion_tokens: 5,
  stop: ['END'],
  seed: 7,
  frequency_penalty: 0.1,
  presence_penalty: 0.1,
  logit_bias: { 50256: -100 },
  response_format: { type: 'json_object' },
  reasoning_effort: 'low',
  verbosity: 'low',
  tool_choice: 'none',
  parallel_tool_calls: false,
  prediction: { type: 'content', content: 'x' },
  service_tier: 'flex',
  safety_identifier: 'id',
  prompt_cache_key: 'key',
  prompt_cache_options: { mode: 'auto' },
  prompt_cache_retention: '24h',
  web_search_options: { search_context_size: 'low' },
  user: 'u',
  metadata: { a: 'b' },
  store: true,
  n: 2,
  functions: [{ name: 'f' }],
  function_call: 'auto',
  logprobs: true,
  top_logprobs: 3,
  audio: { voice: 'alloy', format: 'wav' },
  modalities: ['text', 'audio'],
  moderation: { model: 'omni-moderation-latest' },
}

test('every field that the SDK knows is in the table', () => {
  const types = readFileSync(join(root, 'node_modules/openai/resources/chat/completions/completions.d.ts'), 'utf8')
  const [, fields = ''] = /interface ChatCompletionCreateParamsBase \{\n(.*?)\n\}/s.exec(types) ?? []
  const known = [...fields.matchAll(/^ {4}(\w+)\??:/gm)].map(([, name]) => name!)
  expect(known.length).toBeGreaterThan(30)
  expect(known.filter((name) => !namesOf(/./).includes(name))).toEqual([])
})

test('what the table says becomes of each', async () => {
  const { client, fake } = await startDoor({}, { fallback: answer({ text: 'Yes.' }) })
  const ask = (fields: object): Promise<any> =>
    client.chat.completions
      .create({ model: 'm', messages: user('Hi'), tools: [tool('add')], ...fields })
      .catch((error: unknown) => error)
  const upstream = namesOf(/^goes upstream/)
  const dropped = namesOf(/^dropped/)
  const refused = namesOf(/^400/)
  const all = Object.fromEntries([...upstream, ...dropped].map((name) => [name, samples[name]]))
  const { choices } = await ask(all)
  expect(choices[0].logprobs).toBeNull()
  const { body } = fake.requests[0]!
  for (const name of upstream) expect(body[name], name).toEqual(samples[name])
  for (const name of dropped) expect(body, name).not.toHaveProperty(name)
  expect(upstream.length + dropped.length + refused.length).toBe(Object.keys(samples).length)
  for (const name of refused) {
    expect(await ask({ [name]: samples[name] })).toMatchObject({ status: 400, param: name, code: 'bad_request' })
    if (name !== 'n')
      expect(await ask({ extra_body: { [name]: samples[name] } }), name).toMatchObject({ status: 400, param: name })
  }
  expect(fake.requests).toHaveLength(1)
  const nothing = { n: 1, functions: null, logprobs: false, top_logprobs: 0, audio: null, modalities: ['text'] }
  expect((await ask(nothing)).choices).toHaveLength(1)
})

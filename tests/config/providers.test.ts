/** The option `providers`: each fault in words, all of them at once, and no value that may be secret. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createRunnel } from '../../server/app/app.ts'
import { providerFaults } from '../../server/app/named-providers.ts'
import { openaiProvider } from '../../server/app/openai-provider.ts'
import { readProviders } from '../../server/config/providers.ts'

const one = { baseUrl: 'http://127.0.0.1:9/v1', models: ['m', 'n'] }
const ask = async function* () {}

test.each([
  ['a list', [one], ['providers: must be an object']],
  ['null', null, ['providers: must be an object']],
  ['nothing', {}, ['providers: names none']],
  ['a name with a slash', { 'a/b': one }, ['providers.a/b: a name has letters']],
  ['a name with a star', { 'a*': one }, ['providers.a*: a name has letters']],
  ['a name with a blank', { 'a b': one }, ['providers.a b: a name has letters']],
  ['a text', { a: 'https://api.example/v1' }, ['providers.a: must be an object']],
  [
    'a misspelt field',
    { a: { ...one, baseURL: 'http://x' } },
    ['providers.a.baseURL: there is no such field: baseUrl is meant, perhaps'],
  ],
  ['a field that is none', { a: { ...one, temperatures: 1 } }, ['providers.a.temperatures: there is no such field']],
  [
    'an address that is none',
    { a: { baseUrl: 'api.example' } },
    ['providers.a.baseUrl: must be an address that begins with http'],
  ],
  ['an API that is none', { a: { ...one, api: 'assistants' } }, ['providers.a.api: must be auto, chat or responses']],
  ['no time', { a: { ...one, idleMs: 'soon' } }, ['providers.a.idleMs: must be a whole number']],
  [
    'a key and its file',
    { a: { ...one, apiKey: 'sk-secret-1', apiKeyFile: '/x' } },
    ['providers.a: apiKey, apiKeyFile: set one of the two'],
  ],
  [
    'a file that is not there',
    { a: { ...one, apiKeyFile: '/nowhere/key' } },
    ['providers.a.apiKeyFile: the file that it names cannot be read (ENOENT)'],
  ],
  ['a blank key', { a: { ...one, apiKey: '  ' } }, ['providers.a.apiKey: must not be blank']],
  [
    'a header of the connection',
    { a: { ...one, headers: { Host: 'x' } } },
    ['providers.a.headers.Host: is a header that the server writes itself'],
  ],
  [
    'a header that is none',
    { a: { ...one, headers: { 'a b': 'x' } } },
    ['providers.a.headers.a b: must be the name of a header'],
  ],
  [
    'a header of two lines',
    { a: { ...one, headers: { 'X-A': 'sk-secret-1\r\nX-B: c' } } },
    ['providers.a.headers.X-A: must be a line of plain characters'],
  ],
  [
    'a header of two keys',
    { a: { ...one, apiKey: 'k', headers: { authorization: 'Basic c2VjcmV0' } } },
    ['providers.a.headers: Authorization is made of apiKey'],
  ],
  [
    'a header for the user',
    { a: { ...one, userHeader: 'Content-Type' } },
    ['providers.a.userHeader: is a header that the server writes itself'],
  ],
  [
    'the header of the key for the user',
    { a: { ...one, apiKey: 'k', userHeader: 'Authorization' } },
    ['providers.a.userHeader: carries something else already: name another header'],
  ],
  [
    'a word for the user',
    { a: { ...one, user: 'name' } },
    ['providers.a.user: must be true, user or safety_identifier'],
  ],
  [
    'a parameter of the server',
    { a: { ...one, params: { toolChoice: 1, Model: 'x' } } },
    ['providers.a.params.Model: is decided by the server'],
  ],
  ['models in words', { a: { ...one, models: 'all' } }, ["providers.a.models: must be 'listed', or a list of models"]],
  ['a number for a model', { a: { ...one, models: ['m', 7] } }, ['providers.a.models.1: must be the name of a model']],
  [
    'a misspelt field of a model',
    { a: { ...one, models: [{ id: 'm', image: true }] } },
    ['providers.a.models.0.image: there is no such field: images is meant, perhaps'],
  ],
  [
    'a wrong field of a model',
    { a: { ...one, models: [{ id: 'm', tools: 'yes', contextTokens: 0 }] } },
    ['providers.a.models.0.tools: must be true or false', 'providers.a.models.0.contextTokens: '],
  ],
  ['a model twice', { a: { ...one, models: ['m', { id: 'm' }] } }, ['providers.a.models: m stands there twice']],
  [
    'a fallback that is no list',
    { a: { ...one, fallback: 'b/m' } },
    ['providers.a.fallback: must be a list of names of models'],
  ],
  ['a fallback to nobody', { a: { ...one, fallback: ['b/m'] } }, ['providers.a.fallback: there is no model b/m']],
  [
    'a fallback with a slip',
    { near: one, gate: { ...one, fallback: ['naer/m'] } },
    ['providers.gate.fallback: there is no model naer/m: near/m is meant, perhaps'],
  ],
  [
    'a fallback to itself',
    { a: { ...one, models: [{ id: 'm', fallback: ['a/m'] }] } },
    ['providers.a.models: m: fallback: a/m is the model itself'],
  ],
  ['a provider that is no function', { a: { provider: 'demo' } }, ['providers.a.provider: must be a function']],
  [
    'a provider with an address',
    { a: { provider: ask, baseUrl: 'http://x' } },
    ['providers.a.baseUrl: there is no such field'],
  ],
  [
    'a provider that lists nothing',
    { a: { provider: ask, models: 'listed' } },
    ['providers.a.models: this provider lists none: name its models'],
  ],
])('%s', (_name, providers, words) => {
  const faults = providerFaults({ providers })
  for (const word of words) expect(faults.join('\n')).toContain(word)
  expect(faults).toHaveLength(words.length)
  expect(faults.join('\n')).not.toContain('secret')
})

test.each([
  ['a provider beside', { provider: ask }, 'provider, providers: set one of the two'],
  ['a default that nobody has', { RUNNEL_MODEL: 'other' }, 'RUNNEL_MODEL: no provider has the model other'],
  ['a default that two have', { RUNNEL_MODEL: 'm' }, 'RUNNEL_MODEL: several providers have the model m: name one'],
  ['one of a list that nobody has', { RUNNEL_MODELS: 'a/*,b/m, c/m' }, 'RUNNEL_MODELS: no provider has the model c/m'],
  [
    'an address of another openai',
    { OPENAI_BASE_URL: 'http://other/v1' },
    'providers.openai.baseUrl: OPENAI_BASE_URL says another one',
  ],
  [
    'another key of openai',
    { OPENAI_API_KEY: 'sk-secret-1' },
    'providers.openai.apiKey: OPENAI_API_KEY says another one',
  ],
])('what stands beside it: %s', (_name, beside, words) => {
  const providers = { a: one, b: one, openai: { baseUrl: 'http://x/v1', apiKey: 'sk-secret-2', models: ['o'] } }
  expect(providerFaults({ providers, ...beside })).toEqual([expect.stringContaining(words)])
})

test('all faults are in one message, with those of the settings, and nothing is opened', () => {
  const options = { providers: { a: { api: 'x' }, b: { baseURL: 'y' } }, PORT: 'eighty', tools: 1 } as object
  expect(() => createRunnel(options)).toThrow(
    expect.objectContaining({
      code: 'bad_request',
      message: expect.stringMatching(/tools: must[^]*providers\.a\.api[^]*providers\.b\.baseURL[^]*PORT/),
    }),
  )
})

test('what is right has no fault, and a key may stand in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-key-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'key'), 'sk-from-file\n')
  const providers = {
    openai: {
      apiKey: 'k',
      api: 'responses',
      models: ['gpt-5', { id: 'o3', fallback: ['vllm/qwen'] }],
      user: 'safety_identifier',
    },
    vllm: {
      ...one,
      apiKeyFile: join(folder, 'key'),
      models: [{ id: 'qwen', name: 'Qwen', images: false, contextTokens: 32_768 }],
    },
    'gate.way_1': {
      baseUrl: 'https://gate/v1',
      models: 'listed',
      headers: { 'X-Team': 'a' },
      params: { temperature: 0 },
      userHeader: 'X-User-Id',
    },
    any: { baseUrl: 'https://any/v1', fallback: ['any/other', 'gate.way_1/x', 'qwen'] },
    own: ask,
    described: { provider: openaiProvider({ baseUrl: 'http://x/v1' }), models: 'listed' },
  }
  expect(providerFaults({ providers, RUNNEL_MODEL: 'vllm/qwen' })).toEqual([])
  const read = readProviders(providers).providers
  expect(read.map(({ name }) => name)).toEqual(Object.keys(providers))
  expect(read[1]).toMatchObject({ upstream: { apiKey: 'sk-from-file' } })
})

test('openaiProvider for programs refuses the same', () => {
  expect(() => openaiProvider({ baseURL: 'http://x' } as object)).toThrow(/openaiProvider\.baseURL: .*baseUrl is meant/)
})

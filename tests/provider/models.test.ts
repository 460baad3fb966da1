/** Names of models: who is meant by one, who may ask it, and lists that come when they come. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openaiProvider } from '../../server/app/openai-provider.ts'
import { ModelList } from '../../server/provider/model-list.ts'
import { Models, type NamedProvider } from '../../server/provider/models.ts'

const ask = async function* () {}

function provider(
  name: string,
  models: NamedProvider['models'] | null,
  more: Partial<NamedProvider> = {},
): NamedProvider {
  return { name, ask, models: models ?? [], takesAny: models === null, fallback: [], ...more }
}

const several = (allowed?: string[], preferred = 'none') =>
  new Models({
    alone: false,
    preferred,
    allowed,
    providers: [
      provider('openai', [{ id: 'gpt-5', images: true, fallback: ['gate/maker/seer', 'qwen'] }, { id: 'gpt-5-mini' }]),
      provider('vllm', [
        { id: 'qwen', contextTokens: 5 },
        { id: 'shared', fallback: ['gate/shared'] },
        { id: 'twice' },
      ]),
      provider('gate', [{ id: 'maker/seer' }, { id: 'shared' }, { id: 'openai/o9' }, { id: 'twice' }]),
      provider('any', null),
    ],
  })

describe('a name means', () => {
  test.each([
    ['openai/gpt-5', 'openai/gpt-5'],
    ['gpt-5', 'openai/gpt-5'],
    ['maker/seer', 'gate/maker/seer'],
    ['gate/maker/seer', 'gate/maker/seer'],
    // The provider's own name first, then a plain name that looks like one.
    ['openai/o9', 'gate/openai/o9'],
    ['any/thing/at:all', 'any/thing/at:all'],
    // Two have it: the fallback of the first has the second.
    ['shared', 'vllm/shared'],
  ])('%s: %s', async (name, model) => expect((await several().choose(name, undefined)).model).toBe(model))

  test.each([
    ['twice', 'model: "twice" is a model of several providers. Name one of vllm/twice, gate/twice.'],
    ['other', 'model: there is no model "other" here. There are openai/gpt-5, openai/gpt-5-mini, vllm/qwen, '],
    ['openai/other', 'model: there is no model "openai/other" here.'],
    ['nobody/gpt-5', 'model: there is no model "nobody/gpt-5" here.'],
    ['any/', 'model: there is no model "any/" here.'],
    ['/gpt-5', 'model: there is no model "/gpt-5" here.'],
  ])('%s: nothing, in words', async (name, words) => {
    const choosing = several().choose(name, undefined)
    await expect(choosing).rejects.toMatchObject({ code: 'bad_request', details: { fields: [{ field: 'model' }] } })
    await expect(choosing).rejects.toThrow(words)
  })
})

describe('a caller', () => {
  test.each<[string[], string | undefined, string]>([
    [['*'], 'gpt-5', 'openai/gpt-5'],
    [['openai/*'], undefined, 'openai/gpt-5'],
    [['gpt-5'], 'gpt-5', 'openai/gpt-5'],
    [['vllm/qwen'], undefined, 'vllm/qwen'],
    [['*mini'], undefined, 'openai/gpt-5-mini'],
    // One of the two that have it is all that this caller may ask.
    [['gate/*'], 'twice', 'gate/twice'],
    [['maker/*'], undefined, 'gate/maker/seer'],
    [['any/x'], undefined, 'any/x'],
  ])('with %j who asks %s gets %s', async (may, named, model) => {
    expect((await several().choose(named, may)).model).toBe(model)
  })

  test.each<[string[], string | undefined, string]>([
    [['vllm/*'], 'gpt-5', 'model: "gpt-5" is not for you. You may ask vllm/qwen, vllm/shared, vllm/twice.'],
    // About the provider of that name, not about models of others that begin with it.
    [['openai/*'], 'gate/openai/o9', 'is not for you'],
    [[], 'gpt-5', 'model: "gpt-5" is not for you. You may ask none.'],
    [['none'], undefined, 'model: there is no model that you may ask.'],
    [['any/x'], 'any/y', 'is not for you'],
  ])('with %j may not ask %s', async (may, named, words) => {
    const choosing = several().choose(named, may)
    await expect(choosing).rejects.toMatchObject({ code: 'forbidden' })
    await expect(choosing).rejects.toThrow(words)
  })

  test('is told what there is for them, and what it can', () => {
    expect(several(undefined, 'vllm/qwen').list(['gpt-5', 'vllm/q*', 'any/x'])).toEqual([
      { id: 'openai/gpt-5', provider: 'openai', images: true },
      { id: 'vllm/qwen', provider: 'vllm', contextTokens: 5, isDefault: true },
      { id: 'any/x', provider: 'any' },
    ])
    expect(several().list([])).toEqual([])
  })

  test('who may not ask a model is not answered by it in place of another', async () => {
    const fallbackFor = async (may?: string[]) => (await several().choose('openai/gpt-5', may)).fallback
    expect(await fallbackFor()).toEqual(['gate/maker/seer', 'vllm/qwen'])
    expect(await fallbackFor(['openai/*', 'vllm/*'])).toEqual(['vllm/qwen'])
    expect(await fallbackFor(['openai/*'])).toBeUndefined()
  })

  test('RUNNEL_MODELS narrows for all, and says nothing of the rest', async () => {
    const models = several(['vllm/*', 'gpt-5-mini', 'any/only'])
    expect(models.list(undefined).map(({ id }) => id)).toEqual([
      'openai/gpt-5-mini',
      'vllm/qwen',
      'vllm/shared',
      'vllm/twice',
      'any/only',
    ])
    await expect(models.choose('gpt-5', undefined)).rejects.toMatchObject({ code: 'bad_request' })
    await expect(models.choose('any/x', undefined)).rejects.toMatchObject({ code: 'bad_request' })
    expect(await models.choose('twice', undefined)).toMatchObject({ model: 'vllm/twice' })
  })
})

describe('one provider alone', () => {
  const alone = (preferred: string, allowed?: string[]) =>
    new Models({
      alone: true,
      preferred,
      allowed,
      providers: [
        provider(
          'demo',
          (allowed ?? [preferred]).map((id) => ({ id })),
          { takesAny: true },
        ),
      ],
    })

  test('its models are called as they are', async () => {
    expect(await alone('m').choose('vendor/any:free', undefined)).toEqual({ model: 'vendor/any:free' })
    expect(await alone('m').choose(undefined, undefined)).toEqual({ model: 'm' })
    expect(alone('m').list(undefined)).toEqual([{ id: 'm', provider: 'demo', isDefault: true }])
    // The default is the first that may be asked.
    expect(await alone('m', ['a', 'org/b']).choose(undefined, undefined)).toEqual({ model: 'a' })
    expect(await alone('m').choose(undefined, ['org/*', 'b'])).toEqual({ model: 'b' })
    await expect(alone('m').choose('a', ['org/*'])).rejects.toMatchObject({ code: 'forbidden' })
  })
})

/** A server that lists models, or does not. */
async function listing() {
  const state = {
    status: 200,
    body: JSON.stringify({ data: [{ id: 'a' }] }),
    asked: 0,
    headers: {} as Record<string, unknown>,
    path: '',
  }
  const server = createServer((request, response) => {
    state.asked += 1
    state.headers = request.headers
    state.path = request.url ?? ''
    response.writeHead(state.status, { location: 'http://127.0.0.1:9/' }).end(state.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { state, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` }
}

function kept(url: string, more: object = {}, listMs = 100) {
  const failures: unknown[] = []
  let recovered = 0
  const upstream = openaiProvider({ baseUrl: url, apiKey: 'sk-of-list', headers: { 'X-Team': 'blue' }, ...more })
  const list = new ModelList({
    read: upstream.list!,
    listMs,
    onFailure: (error) => failures.push(error),
    onRecovered: () => recovered++,
  })
  onTestFinished(() => list.close())
  const names = () => [...(list.models?.keys() ?? [])]
  return { list, names, failures, recovered: () => recovered }
}

describe('a list that a provider keeps', () => {
  test('is read with key and headers, and again when it is old; a failure keeps the last one and is told once', async () => {
    const { state, url } = await listing()
    const { list, names, failures, recovered } = kept(url)
    expect(list.models).toBeUndefined()
    await list.firstTry
    expect(names()).toEqual(['a'])
    expect(state).toMatchObject({
      path: '/v1/models',
      headers: { authorization: 'Bearer sk-of-list', 'x-team': 'blue' },
    })
    state.body = JSON.stringify({ data: [{ id: 'a' }, { id: 'b' }] })
    await vi.waitFor(() => expect(names()).toEqual(['a', 'b']), 3_000)

    for (const [status, body] of [
      [500, 'oh'],
      [200, '<html>'],
      [200, '{"error":"no"}'],
      [302, ''],
    ] as const) {
      Object.assign(state, { status, body })
      const { asked } = state
      await vi.waitFor(() => expect(state.asked).toBeGreaterThan(asked + 1), 3_000)
      expect(names()).toEqual(['a', 'b'])
    }
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatchObject({ code: 'provider_error' })
    Object.assign(state, { status: 200, body: JSON.stringify([{ id: 'c' }]) })
    await vi.waitFor(() => expect(names()).toEqual(['c']), 3_000)
    expect(recovered()).toBe(1)
  })

  test('comes when its server comes; until then it may be asked by name, and a plain name waits for the first try', async () => {
    const { url, server } = await listing()
    server.close()
    const { list, names, failures } = kept(url)
    const models = new Models({
      alone: false,
      preferred: 'none',
      allowed: undefined,
      providers: [
        provider(
          'late',
          [
            { id: '*', tools: true },
            { id: 'a*', images: true },
          ],
          { list },
        ),
      ],
    })
    await expect(models.choose('a', undefined)).rejects.toThrow('The list of late could not be read yet.')
    expect(await models.choose('late/whatever', undefined)).toEqual({ model: 'late/whatever' })
    await expect(models.choose('late/*', undefined)).rejects.toMatchObject({ code: 'bad_request' })
    expect(failures).toHaveLength(1)
    server.listen(Number(new URL(url).port), '127.0.0.1')
    await vi.waitFor(() => expect(names()).toEqual(['a']), 3_000)
    expect(await models.choose(undefined, undefined)).toEqual({ model: 'late/a' })
    // A pattern names nothing that could be asked, before the list came or behind it.
    for (const pattern of ['late/*', '*', 'late/a*'])
      await expect(models.choose(pattern, undefined)).rejects.toMatchObject({ code: 'bad_request' })
    expect(models.list(undefined)).toEqual([
      { id: 'late/a', provider: 'late', images: true, tools: true, isDefault: true },
    ])
    await expect(models.choose('late/whatever', undefined)).rejects.toMatchObject({ code: 'bad_request' })
  })

  test('the first question of all waits for it a moment', async () => {
    const { url } = await listing()
    const { list } = kept(url)
    const models = new Models({
      alone: false,
      preferred: '',
      allowed: undefined,
      providers: [provider('p', [{ id: '*' }], { list })],
    })
    expect(await models.choose(undefined, undefined)).toEqual({ model: 'p/a' })
  })

  test('closed it asks nobody any more', async () => {
    const { state, url } = await listing()
    const { list } = kept(url, {}, 100)
    await list.firstTry
    list.close()
    const { asked } = state
    const other = kept(url, {}, 100)
    // Another list over the same server is the clock.
    await vi.waitFor(() => expect(state.asked).toBeGreaterThanOrEqual(asked + 3), 3_000)
    other.list.close()
    expect(state.asked).toBeLessThanOrEqual(asked + 4)
  })
})

/** What `GET /models` says, in the shapes of those who answer it. */
import { expect, test } from 'vitest'
import { modelsOf } from '../../server/provider/model-facts.ts'
import { matchesPattern } from '../../server/provider/model-patterns.ts'

test.each([
  [
    'OpenAI',
    { object: 'list', data: [{ id: 'gpt-5', object: 'model', created: 1, owned_by: 'openai' }] },
    [{ id: 'gpt-5' }],
  ],
  [
    'OpenRouter',
    {
      data: [
        {
          id: 'maker/seer',
          name: 'Maker: Seer',
          context_length: 200_000,
          architecture: {
            modality: 'text+image->text',
            input_modalities: ['text', 'image'],
            output_modalities: ['text'],
          },
          supported_parameters: ['temperature', 'tools', 'tool_choice', 'reasoning'],
        },
        {
          id: 'maker/plain',
          context_length: 4096,
          architecture: { input_modalities: ['text'] },
          supported_parameters: ['top_p'],
        },
        { id: 'maker/painter', architecture: { output_modalities: ['image'] } },
      ],
    },
    [
      { id: 'maker/seer', name: 'Maker: Seer', images: true, tools: true, reasoning: true, contextTokens: 200_000 },
      { id: 'maker/plain', images: false, tools: false, reasoning: false, contextTokens: 4096 },
    ],
  ],
  [
    'vLLM',
    { data: [{ id: 'qwen', max_model_len: 32_768, root: 'qwen', permission: [{ allow_view: true }] }] },
    [{ id: 'qwen', contextTokens: 32_768 }],
  ],
  [
    'Mistral',
    {
      data: [
        {
          id: 'small',
          name: 'small',
          max_context_length: 131_072,
          capabilities: { completion_chat: true, function_calling: true, vision: true, reasoning: false },
        },
        { id: 'embed', capabilities: { completion_chat: false, vision: false } },
      ],
    },
    [{ id: 'small', images: true, tools: true, reasoning: false, contextTokens: 131_072 }],
  ],
  [
    'Groq',
    {
      data: [
        { id: 'a', active: true, context_window: 8192 },
        { id: 'b', active: false },
      ],
    },
    [{ id: 'a', contextTokens: 8192 }],
  ],
  [
    'Together: the bare list',
    [
      { id: 'x', type: 'chat', display_name: 'X', context_length: 8 },
      { id: 'y', type: 'image' },
    ],
    [{ id: 'x', name: 'X', contextTokens: 8 }],
  ],
  [
    'Anthropic',
    {
      data: [
        {
          type: 'model',
          id: 'claude',
          display_name: 'Claude',
          max_input_tokens: 200_000,
          capabilities: {
            image_input: { supported: true },
            thinking: { supported: true, types: { enabled: { supported: true } } },
          },
        },
      ],
    },
    [{ id: 'claude', name: 'Claude', images: true, reasoning: true, contextTokens: 200_000 }],
  ],
  [
    'Gemini',
    { models: [{ name: 'models/gemini', displayName: 'Gemini', inputTokenLimit: 1_000_000, thinking: true }] },
    [{ id: 'models/gemini', name: 'Gemini', reasoning: true, contextTokens: 1_000_000 }],
  ],
  [
    'Cohere',
    {
      models: [
        { name: 'command', context_length: 128_000, endpoints: ['chat'] },
        { name: 'embed', endpoints: ['embed'] },
      ],
    },
    [{ id: 'command', contextTokens: 128_000 }],
  ],
  [
    'LM Studio',
    {
      data: [
        { id: 'v', type: 'vlm', max_context_length: 4096, capabilities: ['tool_use'] },
        { id: 'e', type: 'embeddings' },
      ],
    },
    [{ id: 'v', images: true, tools: true, contextTokens: 4096 }],
  ],
  [
    'llama.cpp',
    {
      models: [{ name: 'm.gguf', capabilities: ['completion', 'multimodal'] }],
      data: [{ id: 'm.gguf', meta: { n_ctx_train: 4096 } }],
    },
    [{ id: 'm.gguf', contextTokens: 4096 }],
  ],
  [
    'Moonshot',
    { data: [{ id: 'k', context_length: 5, supports_image_in: true, supports_reasoning: false }] },
    [{ id: 'k', images: true, reasoning: false, contextTokens: 5 }],
  ],
  [
    'Vercel',
    { data: [{ id: 'm', type: 'language', context_window: 5, tags: ['tool-use', 'vision'] }] },
    [{ id: 'm', images: true, tools: true, contextTokens: 5 }],
  ],
  [
    'Copilot',
    {
      data: [
        {
          id: 'm',
          capabilities: { limits: { max_context_window_tokens: 7 }, supports: { tool_calls: true, vision: false } },
        },
      ],
    },
    [{ id: 'm', images: false, tools: true, contextTokens: 7 }],
  ],
  ['names alone', { data: ['a', 'b', 'a'] }, [{ id: 'a' }, { id: 'b' }]],
  ['none', { data: [] }, []],
  [
    'entries that are none',
    {
      data: [
        null,
        7,
        {},
        { id: 8 },
        { id: '' },
        { id: 'a*b' },
        { id: 'x'.repeat(500) },
        { id: 'ok', context_length: -1 },
      ],
    },
    [{ id: 'ok' }],
  ],
  ['no list', { error: 'no' }, null],
  ['a text', 'models', null],
])('%s', (_name, body, models) => expect(modelsOf(body)).toEqual(models))

test.each([
  ['*', 'a/b', true],
  ['a', 'a', true],
  ['a', 'ab', false],
  ['gpt-*', 'gpt-5', true],
  ['gpt-*', 'a-gpt-5', false],
  ['*mini', 'gpt-5-mini', true],
  ['a*b*c', 'a1b2c', true],
  ['a*b*c', 'acb', false],
  ['ab*ba', 'aba', false],
  ['a**b', 'ab', true],
  ['a.c', 'abc', false],
])('the pattern %s and %s: %s', (pattern, id, fits) => expect(matchesPattern(pattern, id)).toBe(fits))

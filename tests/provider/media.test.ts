/** Pictures and files of an answer: what they are, which are the same, and none that is lost without a word. */
import { expect, test } from 'vitest'
import { mediaOf } from '../../server/provider/media.ts'
import { completed, delta, done, ends, event, messageItem, png } from '../helpers/frames.ts'
import { faultsOf, playBody } from '../helpers/outcome.ts'

test('a format that no table has is none, whatever it is called', () => {
  for (const format of ['constructor', '__proto__', 'toString'])
    expect(mediaOf({ data: png, format }, 'image')).toMatchObject({ name: 'image.png', mimeType: 'image/png' })
})

const picture = (fields: object) =>
  event('response.output_item.done', {
    output_index: 0,
    item: { type: 'image_generation_call', id: 'ig', status: 'completed', ...fields },
  }) + completed()

test.each<[string, object, string]>([
  ['base64', { result: png }, 'image/png'],
  [
    'base64 of another format',
    { result: Buffer.from('some jpeg').toString('base64'), output_format: 'jpeg' },
    'image/jpeg',
  ],
  ['base64 without padding', { result: png.replace(/=+$/, '') }, 'image/png'],
  ['base64url', { result: Buffer.from(png, 'base64').toString('base64url') }, 'image/png'],
  ['a data URL', { result: `data:image/webp;base64,${png}` }, 'image/webp'],
  ['an address', { result: 'https://a.example/cat.png' }, 'image/png'],
])('a picture that a call made, as %s', async (_, fields, mimeType) => {
  const played = await playBody('responses', picture(fields))
  expect(faultsOf(played, { status: 'completed', files: [{ mimeType }], unknown: [] })).toEqual([])
})

test.each(['not a picture!', 'abcde', { no: 'picture' }])(
  'what of it is no picture is not understood: %j',
  async (result) => {
    const played = await playBody('responses', picture({ result }))
    expect(faultsOf(played, { status: 'completed', files: [], unknown: ['image_generation_call.result'] })).toEqual([])
  },
)

test.each(['chat', 'responses'] as const)('files are the same where their bytes are (%s)', async (api) => {
  const part = (bytes: string) => ({ type: 'output_file', file_data: Buffer.from(bytes).toString('base64') })
  const parts = [part('one'), part('two'), part('one')]
  const body =
    api === 'chat'
      ? delta({ content: parts }) + ends() + done
      : event('response.output_item.done', { output_index: 0, item: messageItem(parts) }) + completed()
  const { files } = await playBody(api, body)
  expect(files.map(({ data }) => Buffer.from(data).toString())).toEqual(['one', 'two'])
})

/** Pictures and files of an answer: what they are, which are the same, and none that is lost without a word. */
import { expect, test } from 'vitest'
import { mediaOf } from '../../server/provider/media.ts'
import { png } from '../helpers/frames.ts'

test('a format that no table has is none, whatever it is called', () => {
  for (const format of ['constructor', '__proto__', 'toString'])
    expect(mediaOf({ data: png, format }, 'image')).toMatchObject({ name: 'image.png', mimeType: 'image/png' })
})

import { readdirSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import type { Files } from '../../server/files/files.ts'
import { folderFiles } from '../../server/files/folder.ts'
import { refusal, temporaryFolder } from '../store/fixtures.ts'

const id = 'file_aaaaaaaaaaaa'

async function* parts(...texts: (string | number[])[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === 'string' ? Buffer.from(text) : Uint8Array.from(text)
}

function open(folder = temporaryFolder()): { files: Files; folder: string } {
  const files = folderFiles(folder)
  onTestFinished(() => files.close())
  return { files, folder }
}

test('keeps what a stream brings, and tells text from bytes also where a character is cut', async () => {
  const { files } = open()
  expect(await files.write(id, parts('ab', [0xc3], [0xb6], 'c'), 100)).toEqual({
    size: 5,
    head: Buffer.from('aböc'),
    isText: true,
  })
  expect(Buffer.from((await files.read(id))!).toString()).toBe('aböc')
  expect(Buffer.from((await files.read(id, 2))!).toString()).toBe('ab')
  expect(await files.read('file_unknown00000')).toBeNull()
  expect(await files.stream('file_unknown00000')).toBeNull()
  for (const [index, bytes] of [[0xc3], [0], [0xed, 0xa0, 0x80], [0xff]].entries())
    expect((await files.write(`file_binary0000${index}`, parts('a', bytes), 100)).isText).toBe(false)
})

test('leaves nothing of what is too large or breaks off', async () => {
  const { files, folder } = open()
  await refusal('too_large', () => files.write(id, parts('abc', 'def'), 5))
  await expect(
    files.write(
      id,
      (async function* () {
        yield Buffer.from('a')
        throw new Error('cut off')
      })(),
      5,
    ),
  ).rejects.toThrow('cut off')
  expect(readdirSync(folder)).toEqual([])
})

test('no id leads out of the folder', async () => {
  const { files, folder } = open()
  for (const bad of [
    '../x',
    'file_../../../x',
    'file_aaaaaaaa/../../x',
    '',
    'file_',
    'file_aaaaaaaa\0',
    '/etc/passwd',
    'file_aaaaaaaaaaaa.part',
  ]) {
    await refusal('not_found', () => files.write(bad, parts('x'), 9))
    await refusal('not_found', () => files.read(bad))
    await refusal('not_found', () => files.remove([bad]))
  }
  expect(readdirSync(folder)).toEqual([])
})

test('removes files, also those that are gone', async () => {
  const { files, folder } = open()
  await files.write(id, parts('x'), 9)
  await files.remove([id, 'file_unknown00000'])
  expect(readdirSync(folder)).toEqual([])
})

test('says that it is away where the folder cannot be', async () => {
  const files = folderFiles('/dev/null/files')
  await refusal('store_unavailable', () => files.write(id, parts('x'), 9))
  await files.close()
})

test('without a folder has one of its own, which goes', async () => {
  const files = folderFiles()
  await files.write(id, parts('x'), 9)
  const stream = await files.stream(id)
  for await (const bytes of stream!) expect(Buffer.from(bytes).toString()).toBe('x')
  await files.close()
  await files.close()
  await refusal('store_unavailable', () => files.read(id))
})

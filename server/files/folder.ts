import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunnelError } from '../../shared/errors.ts'
import type { Files, Stored } from './files.ts'

/** So much of a file tells its type, also of those that begin with a directory of parts. */
const headBytes = 64 * 1024

const idPattern = /^file_[A-Za-z0-9_-]{8,64}$/

/**
 * Files in a folder, each under its id: no name of a caller ever becomes a
 * path. Without a folder a temporary one is made, and goes at `close`.
 */
export function folderFiles(folder?: string): Files {
  let made: Promise<string> | undefined
  let closed = false

  async function place(): Promise<string> {
    if (closed) throw new RunnelError('store_unavailable', 'The files are closed.')
    made ??=
      folder === undefined
        ? mkdtemp(join(tmpdir(), 'runnel-files-'))
        : mkdir(folder, { recursive: true }).then(() => folder)
    return await made.catch((error: unknown) => {
      made = undefined
      throw unavailable(error)
    })
  }

  async function pathOf(id: string): Promise<string> {
    if (!idPattern.test(id)) throw new RunnelError('not_found', 'There is no such file.')
    return join(await place(), id)
  }

  async function openToRead(id: string) {
    const path = await pathOf(id)
    return await open(path, 'r').catch((error: unknown) => {
      if (isMissing(error)) return null
      throw unavailable(error)
    })
  }

  return {
    async write(id, content, maxBytes) {
      const path = await pathOf(id)
      const part = `${path}.part`
      try {
        const stored = await writeAll(part, content, maxBytes)
        await rename(part, path).catch((error: unknown) => {
          throw unavailable(error)
        })
        return stored
      } catch (error) {
        await rm(part, { force: true }).catch(() => undefined)
        throw error
      }
    },

    async read(id, maxBytes) {
      const file = await openToRead(id)
      if (!file) return null
      try {
        if (maxBytes === undefined) return await file.readFile()
        const { buffer, bytesRead } = await file.read(new Uint8Array(maxBytes), 0, maxBytes, 0)
        return buffer.subarray(0, bytesRead)
      } catch (error) {
        throw unavailable(error)
      } finally {
        await file.close()
      }
    },

    async stream(id) {
      const file = await openToRead(id)
      return file && createReadStream('', { fd: file })
    },

    async remove(ids) {
      for (const id of ids) {
        const path = await pathOf(id)
        for (const left of [path, `${path}.part`])
          await rm(left, { force: true }).catch((error: unknown) => {
            throw unavailable(error)
          })
      }
    },

    async close() {
      closed = true
      const inside = await made?.catch(() => undefined)
      if (folder === undefined && inside !== undefined) await rm(inside, { recursive: true, force: true })
    },
  }
}

async function writeAll(path: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Stored> {
  const file = await open(path, 'wx').catch((error: unknown) => {
    throw unavailable(error)
  })
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const head: Uint8Array[] = []
  let size = 0
  let isText = true
  const isTextWith = (bytes?: Uint8Array) => {
    try {
      return !decoder.decode(bytes, { stream: bytes !== undefined }).includes('\0')
    } catch {
      return false
    }
  }
  try {
    for await (const bytes of content) {
      if (size < headBytes) head.push(bytes.subarray(0, headBytes - size))
      size += bytes.byteLength
      if (size > maxBytes)
        throw new RunnelError('too_large', `The file is larger than ${maxBytes} bytes (RUNNEL_MAX_FILE_BYTES).`, {
          details: { maxBytes },
        })
      isText &&= isTextWith(bytes)
      await file.writeFile(bytes).catch((error: unknown) => {
        throw unavailable(error)
      })
    }
    // On the disk before the store speaks of it.
    await file.sync().catch((error: unknown) => {
      throw unavailable(error)
    })
  } finally {
    await file.close()
  }
  return { size, head: Buffer.concat(head), isText: isText && isTextWith() }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function unavailable(cause: unknown): RunnelError {
  return new RunnelError('store_unavailable', 'The files cannot be read or written now.', { cause })
}

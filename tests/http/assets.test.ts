/** The page's files: what has its hash in its name is kept for ever and comes compressed. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import express from 'express'
import { expect, test } from 'vitest'
import { scriptsBeforePaint } from '../../bench/page/build.ts'
import { servePage } from '../../server/http/page.ts'
import { compressFolder } from '../../scripts/compress.mjs'
import { temporaryFolder } from '../store/fixtures.ts'
import { raw } from './raw.ts'
import { closeAfterwards, start } from './server.ts'

const forEver = 'public, max-age=31536000, immutable'

test('the built page: assets for ever, brotli before gzip, index.html asked for anew', async () => {
  const { url } = await start()
  const index = await raw(`${url}/`)
  expect(index.headers).toMatchObject({ 'cache-control': 'no-cache', 'content-type': expect.stringContaining('html') })
  const paths = [...index.body.toString().matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map((match) => match[1]!)
  expect(new Set(paths.map((path) => /\.(js|css)$/.exec(path)?.[1]))).toEqual(new Set(['css', 'js']))
  for (const path of paths) {
    const plain = await raw(`${url}/${path}`)
    const type = path.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8'
    expect(plain.headers).toMatchObject({ 'cache-control': forEver, vary: 'Accept-Encoding', 'content-type': type })
    expect(plain.headers).not.toHaveProperty('content-encoding')
    for (const [accept, encoding, compress, undo] of [
      ['gzip, deflate, br', 'br', brotliCompressSync, brotliDecompressSync],
      ['gzip', 'gzip', gzipSync, gunzipSync],
    ] as const) {
      const small = await raw(`${url}/${path}`, { 'accept-encoding': accept })
      // A part of a few bytes may be no smaller in a format: it comes as it is.
      if (plain.body.length < 2_000 && compress(plain.body).length >= plain.body.length) {
        expect(small.headers).not.toHaveProperty('content-encoding')
        expect(small.body.equals(plain.body)).toBe(true)
        continue
      }
      expect(small.headers).toMatchObject({
        'content-encoding': encoding,
        'content-type': type,
        'cache-control': forEver,
        vary: 'Accept-Encoding',
        'x-content-type-options': 'nosniff',
      })
      expect(undo(small.body).equals(plain.body)).toBe(true)
      // Half of it, but for parts so small that what every format begins with counts.
      expect(small.body.length).toBeLessThan(plain.body.length / 2 + 200)
      const again = await raw(`${url}/${path}`, { 'accept-encoding': accept, 'if-none-match': small.headers['etag']! })
      expect(again.status).toBe(304)
    }
    const head = await raw(`${url}/${path}`, { 'accept-encoding': 'br' }, 'HEAD')
    const isSmaller = plain.body.length >= 2_000 || brotliCompressSync(plain.body).length < plain.body.length
    expect([head.status, head.headers['content-encoding'], head.body.length]).toEqual([
      200,
      isSmaller ? 'br' : undefined,
      0,
    ])
  }
  const none = await raw(`${url}/assets/none-12345678.js`, { 'accept-encoding': 'br' })
  expect([none.status, none.headers['cache-control'], none.headers['content-encoding']]).toEqual([
    404,
    undefined,
    undefined,
  ])
})

test('before the page draws anything a browser needs 160 kB of scripts at the most', () => {
  const kB = scriptsBeforePaint()
  expect(kB).toBeGreaterThan(50)
  expect(kB).toBeLessThanOrEqual(160)
})

test('what draws diagrams has a policy and an origin of its own, and may be framed by the page; the page may be framed by nobody', async () => {
  const { url } = await start()
  const page = (await raw(`${url}/`)).headers
  const policy = String(page['content-security-policy'])
  for (const rule of ['font-src', 'worker-src', 'manifest-src']) expect(policy).toContain(`${rule} 'self';`)
  expect(policy).toContain("frame-src 'self' https: http:;")
  expect(policy).toContain("style-src 'self';")
  expect(page['x-frame-options']).toBe('DENY')

  const frame = await raw(`${url}/diagram.html`)
  expect(String(frame.headers['content-security-policy']).split('; ')).toEqual([
    'sandbox allow-scripts',
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'unsafe-inline'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ])
  expect(frame.headers).not.toHaveProperty('x-frame-options')
  // A frame of no origin may read the scripts of the build, and nothing else.
  const [script] = /assets\/diagram-[^"]+\.js/.exec(frame.body.toString())!
  expect((await raw(`${url}/${script}`, { origin: 'null' })).headers['access-control-allow-origin']).toBe('*')
  for (const path of ['/', '/diagram.html', '/healthz'])
    expect((await raw(url + path)).headers).not.toHaveProperty('access-control-allow-origin')
})

test('what is not smaller compressed, or is no text, goes out as it is; so does a build that was not compressed', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'assets/deep'), { recursive: true })
  writeFileSync(join(folder, 'index.html'), '<p>Hello</p>')
  writeFileSync(join(folder, 'assets/tiny-1.js'), '1')
  writeFileSync(join(folder, 'assets/picture-1.png'), Buffer.alloc(5_000))
  writeFileSync(join(folder, 'assets/deep/long-1.js'), 'call();'.repeat(1_000))
  const serve = async () => {
    const server = createServer(express().use(servePage(folder))).listen(0, '127.0.0.1')
    closeAfterwards(async () => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    return async (path: string) => {
      const { status, headers } = await raw(`http://127.0.0.1:${port}${path}`, {
        'accept-encoding': 'br',
        connection: 'close',
      })
      return [status, headers['content-encoding'] ?? '', headers['cache-control']]
    }
  }
  const before = await serve()
  expect(await before('/assets/deep/long-1.js')).toEqual([200, '', forEver])
  compressFolder(join(folder, 'assets'))
  const after = await serve()
  expect(await after('/assets/deep/long-1.js')).toEqual([200, 'br', forEver])
  expect(await after('/assets/tiny-1.js')).toEqual([200, '', forEver])
  expect(await after('/assets/picture-1.png')).toEqual([200, '', forEver])
  expect(await after('/')).toEqual([200, '', 'no-cache'])
  expect((await after('/assets/../index.html'))[2]).not.toBe(forEver)
})

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../helpers/redis.ts'
import { doc, Heard, node, storeWithDocuments, until, write } from './fixtures.ts'

/** A certificate of its own issue for 127.0.0.1. */
function certificate(): { folder: string; key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-tls-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync(
    process.env['RUNNEL_TEST_OPENSSL'] || 'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      '2',
      '-subj',
      '/CN=runnel-test',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
    ],
    { stdio: 'ignore' },
  )
  return { folder, key, cert }
}

it('speaks TLS with a password, and only to a Redis whose certificate it can check', async () => {
  const { key, cert } = certificate()
  const server = await startRedis({
    tls: true,
    args: [
      '--tls-cert-file',
      cert,
      '--tls-key-file',
      key,
      '--tls-ca-cert-file',
      cert,
      '--tls-auth-clients',
      'no',
      '--requirepass',
      'pass word',
    ],
  })
  onTestFinished(() => server.kill())
  const url = server.url.replace('rediss://', 'rediss://:pass%20word@')
  const { log } = await storeWithDocuments()

  const distrustful = node({ url, base: log, leaseMs: 200, timeoutMs: 300 })
  await expect(distrustful.probe()).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect(write(distrustful, doc, 1, 0, 'a')).rejects.toMatchObject({ code: 'store_unavailable' })

  // What NODE_EXTRA_CA_CERTS does at the start of a process.
  const known = getCACertificates()
  setDefaultCACertificates([...known, readFileSync(cert, 'utf8')])
  onTestFinished(() => setDefaultCACertificates(known))
  const [a, b] = [node({ url, base: log }), node({ url, base: log })]
  const heard = new Heard()
  await b.follow(doc, heard.hear)
  expect(await write(a, doc, 1, 0, 'a')).toEqual({ status: 'ok', seq: 1 })
  await until(() => heard.entries.length === 1, 'the entry')
  await a.probe()

  const stranger = node({ url: server.url, base: log, leaseMs: 200, timeoutMs: 300 })
  await expect(write(stranger, doc, 1, 1, 'b')).rejects.toMatchObject({ code: 'store_unavailable' })
})

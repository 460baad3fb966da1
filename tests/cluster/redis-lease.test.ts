import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../helpers/redis.ts'
import { startLine } from '../../testing/line.ts'
import { doc, node, storeWithDocuments, until, write } from './fixtures.ts'

async function server() {
  const started = await startRedis()
  onTestFinished(() => started.kill())
  return started
}

describe('a node that cannot show a sign of life', () => {
  it('learns after a lease that it has lost it, once, and again only after another', async () => {
    const redis = await server()
    const proxy = await startLine(redis.port)
    onTestFinished(() => proxy.close())
    const { log } = await storeWithDocuments()
    const a = node({ url: `redis://127.0.0.1:${proxy.port}`, base: log, leaseMs: 600, timeoutMs: 200 })
    const b = node({ url: redis.url, base: log, leaseMs: 600 })
    let lost = 0
    a.onLeaseLost = () => {
      lost += 1
    }
    const seen = async () => (await b.alive([a.node]).catch(() => null))?.has(a.node)
    await until(async () => (await seen()) === true, 'it lives')
    expect(lost).toBe(0)
    for (const times of [1, 2]) {
      const startedAt = performance.now()
      proxy.mode = 'deaf'
      await until(() => lost === times, 'it has lost its lease')
      // The last sign of life was up to a third of a lease old.
      expect(performance.now() - startedAt).toBeGreaterThan(350)
      await until(async () => (await seen()) === false, 'the other sees it no more')
      await expect(a.probe()).rejects.toMatchObject({ code: 'store_unavailable' })
      await new Promise((resolve) => setTimeout(resolve, 700))
      expect(lost).toBe(times)
      proxy.mode = 'pass'
      proxy.cut()
      await until(async () => (await seen()) === true, 'it lives again')
      await a.probe()
    }
  })

  it('because its process stood still, learns it before anything is sent', async () => {
    const redis = await server()
    const { log } = await storeWithDocuments()
    const a = node({ url: redis.url, base: log, leaseMs: 300 })
    let lost = 0
    a.onLeaseLost = () => {
      lost += 1
    }
    await write(a, doc, 1, 0, 'a')
    // Nothing of this process runs meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
    const writing = write(a, doc, 1, 1, 'b')
    expect(lost).toBe(1)
    expect(await writing).toEqual({ status: 'ok', seq: 2 })
    expect(lost).toBe(1)
  })

  it('because its process stood still between the check and the sending, learns it before the answer', async () => {
    const redis = await server()
    const { log } = await storeWithDocuments()
    const a = node({ url: redis.url, base: log, leaseMs: 300 })
    let lost = 0
    a.onLeaseLost = () => {
      lost += 1
    }
    await write(a, doc, 1, 0, 'a')
    // From a timer: the answer is then heard before the next timer.
    await new Promise((resolve) => setTimeout(resolve, 1))
    const writing = write(a, doc, 1, 1, 'b').then((result) => ({ result, lost }))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
    expect(await writing).toEqual({ result: { status: 'ok', seq: 2 }, lost: 1 })
  })

  it('because it was stopped by a signal, learns it, and writes no more once it was taken over', async () => {
    const redis = await server()
    const child = spawn(process.execPath, [fileURLToPath(new URL('stopped-child.ts', import.meta.url)), redis.url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await exited
    })
    const said: string[] = []
    createInterface(child.stdout).on('line', (line) => said.push(line))
    await until(() => said.length > 20, 'it writes')
    child.kill('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    const { log, drawEpoch } = await storeWithDocuments()
    const b = node({ url: redis.url, base: log })
    const [head] = await b.heads([doc])
    expect(await write(b, doc, await drawEpoch(doc), head!.seq, 'taken over')).toMatchObject({ status: 'ok' })
    expect(said).not.toContain('lost')
    child.kill('SIGCONT')
    await exited
    // What was written before the stop may be answered late; nothing was sent in between.
    expect(said.at(-1)).toBe('fenced')
    expect(said.slice(said.indexOf('lost')).filter((word) => word === 'ok').length).toBeLessThanOrEqual(1)
    expect(said.filter((word) => word === 'lost')).toHaveLength(1)
  })
})

/** A message as Markdown, HTML and text. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { messageHtml } from '../../server/http/render/html.ts'
import { Line } from '../../server/http/render/line.ts'
import { messageMarkdown } from '../../server/http/render/markdown.ts'
import { HtmlRenderer } from '../../server/http/render/rendering.ts'
import { messageText } from '../../server/http/render/text.ts'
import type { Block, Message } from '../../shared/schema.ts'
import { answer } from '../../testing/index.ts'
import { startWithFake } from './server.ts'

function message(...output: Block[]): Message {
  return {
    id: 'msg_a',
    chatId: 'chat_a',
    parentId: null,
    role: 'assistant',
    status: 'completed',
    createdAt: 0,
    schema: 1,
    output,
  }
}
const text = (words: string): Block => ({ id: 'b', type: 'text', status: 'completed', text: words, annotations: [] })

const render = async (renderer: HtmlRenderer, of: Message, userId = 'ann', signal = new AbortController().signal) =>
  await renderer.render(async () => of, { userId, signal })

test('a slot that was given to one who waited is taken before they wake', async () => {
  const line = new Line({ slots: 1, slotsPerUser: 1, waiting: 9, waitingPerUser: 9 })
  const { signal } = new AbortController()
  const leave = (await line.enter('ann', signal))!
  let served = 1
  const enter = async (user: string) => {
    const leave = (await line.enter(user, signal))!
    served += 1
    return leave
  }
  const bob = enter('bob')
  leave()
  served -= 1
  const cid = enter('cid')
  const leaveBob = await bob
  expect([served, line.waiting]).toEqual([1, 1])
  leaveBob()
  const leaveCid = await cid
  leaveCid()
  expect(await line.enter('ann', signal)).not.toBeNull()
})

const every: Message = message(
  { id: 'b0', type: 'reasoning', status: 'completed', text: 'I *think*.', origin: 'field', startedAt: 0 },
  text('# Tides\n\nThe **moon**.'),
  {
    id: 'b2',
    type: 'tool_call',
    status: 'completed',
    callId: 'c',
    name: 'look_up',
    arguments: '{"q":"```"}',
    output: '<b>found</b>',
    executor: 'server',
  },
  {
    id: 'b3',
    type: 'source',
    status: 'completed',
    title: 'A [title]',
    url: 'https://a.example/?a=1&b=2',
    snippet: 'Some <i>words</i>',
    sourceType: 'url',
  },
  {
    id: 'b4',
    type: 'file',
    status: 'completed',
    name: 'a<b>.png',
    mimeType: 'image/png',
    url: '/api/files/file_a',
    size: 7,
  },
  { id: 'b5', type: 'progress', status: 'completed', text: 'Searching', done: true },
  {
    id: 'b6',
    type: 'error',
    status: 'completed',
    code: 'provider_error',
    message: 'The <provider> failed.',
    retryable: true,
  },
)

describe('the formats', () => {
  test('Markdown keeps text as it is, folds reasoning and tool calls, and escapes names', () => {
    expect(messageMarkdown(every)).toBe(`<details>
<summary>Reasoning</summary>

I *think*.

</details>

# Tides

The **moon**.

<details>
<summary>Tool look_up (completed)</summary>

Arguments:

\`\`\`\`
{"q":"\`\`\`"}
\`\`\`\`

Result:

\`\`\`
<b>found</b>
\`\`\`

</details>

Source: [A \\[title\\]](<https://a.example/?a=1&b=2>)

> Some <i>words</i>

File: [a\\<b\\>.png](</api/files/file_a>) (image/png, 7 bytes)

> **Error:** The \\<provider\\> failed.
`)
  })

  test('HTML is a document that folds reasoning and tool calls', () => {
    const html = messageHtml(every)
    expect(html).toMatch(/^<!doctype html>\n<html>/)
    for (const part of [
      '<details>\n<summary>Reasoning</summary>\n<p>I <em>think</em>.</p>',
      '<h1>Tides</h1>',
      '<strong>moon</strong>',
      '<summary>Tool look_up (completed)</summary>',
      '<code>{&quot;q&quot;:&quot;```&quot;}</code>',
      '&lt;b&gt;found&lt;/b&gt;',
      '<a href="https://a.example/?a=1&amp;b=2" rel="noopener noreferrer nofollow">A [title]</a>',
      'Some &lt;i&gt;words&lt;/i&gt;',
      '<a href="/api/files/file_a" rel="noopener noreferrer nofollow">a&lt;b&gt;.png</a> (image/png, 7 bytes)',
      'The &lt;provider&gt; failed.',
    ])
      expect(html).toContain(part)
    expect(html).not.toContain('Searching')
  })

  test('text is what is read as the answer', () => {
    expect(messageText(every)).toBe(
      `# Tides\n\nThe **moon**.\n\n[Tool look_up (completed)]\n\nSource: A [title] <https://a.example/?a=1&b=2>\nSome <i>words</i>\n\nFile: a<b>.png (image/png, 7 bytes) </api/files/file_a>\n\nError: The <provider> failed.\n`,
    )
  })

  test('the error of a failed message is told, once', () => {
    const failed: Message = {
      ...message(text('Half')),
      status: 'failed',
      error: { code: 'provider_error', message: 'It broke.', retryable: true },
    }
    expect(messageMarkdown(failed)).toBe('Half\n\n> **Error:** It broke.\n')
    expect(messageText(failed)).toBe('Half\n\nError: It broke.\n')
    expect(messageHtml(failed).match(/It broke\./g)).toHaveLength(1)
  })

  test('what one block leaves open ends in it', () => {
    const html = messageHtml(message(text('<details><summary>a'), text('</article></body></details>b')))
    expect(html.match(/<details>/g)).toHaveLength(1)
    expect(html.indexOf('</details>')).toBeLessThan(html.lastIndexOf('b'))
    expect(html.match(/<\/article>/g)).toHaveLength(1)
  })

  test('images are links, task lists have no form controls, tables stay', () => {
    const html = messageHtml(
      message(text('![cat](https://a.example/cat.png)\n\n- [x] done\n- [ ] open\n\n|a|b|\n|-|:-:|\n|1|2|')),
    )
    expect(html).toContain('<a href="https://a.example/cat.png" rel="noopener noreferrer nofollow">cat</a>')
    expect(html).toMatch(/☑ .*done[^]*☐ .*open/)
    expect(html).toContain('<td align="center">2</td>')
    expect(html).not.toMatch(/<img|<input/)
  })
})

describe('GET /api/messages/:id?format=', () => {
  test('gives each format its type, sandboxed, mid-stream too', async () => {
    const { server, fake } = await startWithFake()
    const stream = fake.manual()
    const ids = await server.ask('Why?')
    await stream.request
    stream.send('Because **moon')
    const path = `${server.url}/api/messages/${ids.messageId}`
    await expect.poll(async () => (await fetch(`${path}?format=text`)).text()).toBe('Because **moon\n')
    for (const [format, type, body] of [
      ['html', 'text/html; charset=utf-8', 'data-status="streaming"'],
      ['markdown', 'text/markdown; charset=utf-8', 'Because **moon'],
      ['text', 'text/plain; charset=utf-8', 'Because'],
    ] as const) {
      const response = await fetch(`${path}?format=${format}`)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe(type)
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'.*; sandbox$/)
      expect(await response.text()).toContain(body)
    }
    stream.end()
    await expect
      .poll(async () => (await server.call('GET', `/api/messages/${ids.messageId}`)).body.status)
      .toBe('completed')
    expect(await (await fetch(`${server.url}/api/messages/${ids.userMessageId}?format=markdown`)).text()).toBe('Why?\n')
    expect((await server.call('GET', `/api/messages/${ids.messageId}?format=json`)).body.output[0].text).toBe(
      'Because **moon',
    )
    expect((await server.call('GET', `/api/messages/${ids.messageId}?format=pdf`)).status).toBe(400)
  })

  test('a message of 1 MB does not hold up the event loop', { timeout: 90_000 }, async () => {
    const paragraph = 'Some **bold** words with `code`, a [link](https://a.example/) and more.\n\n- one\n- two\n\n'
    const long = paragraph.repeat(Math.ceil(1_000_000 / paragraph.length))
    // In few pieces: this is not about streaming.
    const { server } = await startWithFake({}, { fallback: answer({ text: long.match(/[^]{1,50000}/g)! }) })
    const ids = await server.ask('Much, please.')
    await expect
      .poll(async () => (await server.call('GET', `/api/messages/${ids.messageId}`)).body.status, { timeout: 10_000 })
      .toBe('completed')
    for (const format of ['html', 'markdown', 'text']) {
      const busy = watchThread()
      const body = await (await fetch(`${server.url}/api/messages/${ids.messageId}?format=${format}`)).text()
      expect(busy(format)).toBeLessThan(250)
      expect(body.length).toBeGreaterThanOrEqual(long.length)
    }
    // On a machine that is busy with other things it may come as its plain text above: here it has the time.
    const renderer = new HtmlRenderer({ patienceMs: 60_000 })
    onTestFinished(() => renderer.close())
    const busy = watchThread()
    expect(await render(renderer, message(text(long)))).toContain('<strong>bold</strong>')
    expect(busy('html by itself')).toBeLessThan(250)
  })
})

/** ms that this thread works from now on: no pause of its loop is longer, and what else runs on the machine does not count. */
function watchThread(): (what: string) => number {
  const before = process.threadCpuUsage()
  const startedAt = performance.now()
  return (what) => {
    const { user, system } = process.threadCpuUsage(before)
    const ms = (user + system) / 1_000
    console.log(
      `${what}: ${Math.round(performance.now() - startedAt)} ms, of which the loop worked ${Math.round(ms)} ms`,
    )
    return ms
  }
}

/** Takes a second or more. */
const slowText = '`a'.repeat(500_000)

describe('text that was made to take long', () => {
  test.each([
    ['_a', 300_000],
    ['> ', 20_000],
    ['[', 1_000_000],
    ['[a](', 500_000],
  ])('%j, repeated, comes in time, and the loop goes on', async (unit, chars) => {
    const renderer = new HtmlRenderer({ patienceMs: 1_000 })
    onTestFinished(() => renderer.close())
    const busy = watchThread()
    const startedAt = performance.now()
    const html = await render(renderer, message(text(unit.repeat(chars / unit.length))))
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    expect(busy(unit)).toBeLessThan(250)
    expect(html).toContain('</html>')
  })

  test('closing ends what is being rendered', async () => {
    const renderer = new HtmlRenderer()
    const waiting = [1, 2, 3, 4].map(() => render(renderer, message(text(slowText))))
    await renderer.close()
    for (const html of await Promise.all(waiting)) expect(html).toContain('<pre>`a`a')
  })

  test('a thread makes one message after the other: each comes as HTML, none by its time being over', async () => {
    const renderer = new HtmlRenderer({ patienceMs: 60_000 })
    onTestFinished(() => renderer.close())
    for (const word of ['one', 'two', 'three'])
      expect(await render(renderer, message(text(`*${word}*`)))).toContain(`<em>${word}</em>`)
  })

  test('however short it is, it does not hold up the loop', async () => {
    const renderer = new HtmlRenderer({ patienceMs: 500 })
    onTestFinished(() => renderer.close())
    // On a thread that is warm it takes many seconds; on a new one it may overflow the stack first.
    for (const repeat of ['first', 'second']) {
      const busy = watchThread()
      expect(await render(renderer, message(text('[a](<'.repeat(780))))).toContain('[a](&lt;')
      expect(busy(repeat)).toBeLessThan(250)
    }
  })

  test('holds up nobody but who asked for it: another user is served at once, and of one user few wait', async () => {
    const renderer = new HtmlRenderer({ patienceMs: 60_000 })
    onTestFinished(() => renderer.close())
    const slow = message(text(slowText.repeat(3)))
    const left = new AbortController()
    const first = render(renderer, slow, 'mallory', left.signal)
    const waiting = Array.from({ length: 16 }, () => render(renderer, slow, 'mallory', left.signal))
    await expect(render(renderer, slow, 'mallory')).rejects.toMatchObject({ code: 'overloaded' })
    expect(await render(renderer, message(text('*Hello*')), 'ann')).toContain('<em>Hello</em>')
    expect(renderer.waiting).toBe(16)
    // Whoever hangs up leaves the line, and the thread.
    left.abort()
    for (const html of await Promise.all([first, ...waiting])) expect(html).toBeNull()
    expect(renderer.waiting).toBe(0)
    expect(await render(renderer, message(text('*Hello*')), 'mallory')).toContain('<em>Hello</em>')
  })

  test('what waits is bounded, also over HTTP: 503 with Retry-After, and a hang-up frees the place', async () => {
    const { server } = await startWithFake({}, { fallback: answer({ text: slowText.match(/[^]{1,50000}/g)! }) })
    const { messageId } = await server.ask('Go')
    const path = `${server.url}/api/messages/${messageId}`
    await expect.poll(async () => (await (await fetch(path)).json()).status).toBe('completed')
    const left = new AbortController()
    const statuses: (number | string)[] = []
    const asked = Array.from({ length: 20 }, async () => {
      const response = await fetch(`${path}?format=html`, { signal: left.signal })
      statuses.push(response.status)
      expect(response.headers.get('retry-after')).toBe('1')
    }).map((call) => call.catch(() => statuses.push('left')))
    await expect.poll(() => statuses).toEqual([503, 503, 503])
    left.abort()
    await Promise.all(asked)
    // Two at once were refused before: these wait for no one.
    await expect.poll(() => server.runnel.stats().answers).toBe(0)
    const again = new AbortController()
    const status = await Promise.race([
      fetch(`${path}?format=html`, { signal: again.signal }).then((response) => response.status),
      new Promise((resolve) => setTimeout(resolve, 300, 'waits')),
    ])
    again.abort()
    expect(status).not.toBe(503)
  })
})

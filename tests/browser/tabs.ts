import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Provider, ProviderEvent } from '../../server/provider/events.ts'
import type { StartedRunnel } from '../../testing/index.ts'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from '../helpers/chromium.ts'

export const answer = '[data-testid=message][data-role=assistant]'
export const question = '[data-testid=message][data-role=user]'
export const by = (testId: string) => `[data-testid=${testId}]`

/** A context whose errors, and what the page's policy forbids, are collected. */
export async function openContext(
  browser: Browser,
  problems: string[],
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext(options)
  context.on('weberror', (error) => problems.push(String(error.error())))
  context.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) problems.push(message.text())
  })
  return context
}

export async function openTab(context: BrowserContext, server: StartedRunnel, hash: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${server.url}/#${hash}`)
  await page.waitForSelector('[data-testid=connection][data-status=open]')
  return page
}

/** Waits until what `look` reads in the page is `wanted`. (`waitForFunction` evaluates a string, which the page's policy forbids.) */
export async function reads<T>(look: () => Promise<T>, wanted: T, patienceMs = 10_000): Promise<void> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const found = await look()
    try {
      return expect(found).toEqual(wanted)
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await sleep(20)
  }
}

/** Waits until these texts stand on the page, in this order. */
export async function shows(page: Page, selector: string, texts: string[]): Promise<void> {
  await reads(() => page.locator(selector).allTextContents(), texts)
}

/** A provider that answers with these events, and ends unless they end otherwise. */
export function playing(events: (question: string, turn: number) => readonly ProviderEvent[]): Provider {
  let turn = 0
  return async function* (request, signal) {
    const asked = request.prompt.findLast((item) => item.role === 'user')?.text ?? ''
    for (const event of events(asked, ++turn)) yield event
    if (asked.includes('wait'))
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve)
      })
    signal.throwIfAborted()
    yield { type: 'finish', reason: 'stop' }
  }
}

export function textEvents(text: string): ProviderEvent[] {
  return [
    { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } },
    { type: 'delta', key: 't', field: 'text', text },
    { type: 'block_end', key: 't', status: 'completed' },
  ]
}

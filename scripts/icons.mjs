// The icons of the page as pictures, made from client-demo/public/favicon.svg: `node scripts/icons.mjs [path of Chromium]`.
// What it makes is committed; it is run by hand when the icon is changed.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { root } from './node.mjs'

const folder = join(root, 'client-demo/public')
const svg = readFileSync(join(folder, 'favicon.svg'), 'utf8')
const browser = await chromium.launch({
  executablePath: process.argv[2] ?? '/usr/bin/chromium',
  chromiumSandbox: false,
})
const page = await browser.newPage()

// A maskable icon is cut to any shape: what matters stands in its middle, its ground reaches to the edges.
for (const [name, size, share, ground] of [
  ['icon-180', 180, 0.8, '#f7fafb'],
  ['icon-192', 192, 1, 'transparent'],
  ['icon-512', 512, 1, 'transparent'],
  ['icon-maskable-512', 512, 0.6, '#f7fafb'],
]) {
  await page.setViewportSize({ width: size, height: size })
  const picture = `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`
  await page.setContent(
    `<body style="margin:0;height:100vh;display:grid;place-items:center;background:${ground}"><img src="${picture}" width="${size * share}"></body>`,
  )
  await page.locator('img').evaluate((image) => image.decode())
  writeFileSync(join(folder, `${name}.png`), await page.screenshot({ omitBackground: true }))
}
await browser.close()

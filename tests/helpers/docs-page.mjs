// Shows the `App` of a page's example, a module that is named as an argument, as a browser would; ends well once it shows something.
import { Window } from 'happy-dom'
import { createElement } from 'react'

const window = new Window({ url: 'http://page.example/' })
Object.assign(globalThis, { window, document: window.document })
const { createRoot } = await import('react-dom/client')

const problems = []
console.error = (...words) => problems.push(words.join(' '))
const { default: App } = await import(process.argv[1])
const root = createRoot(document.body.appendChild(document.createElement('div')))
root.render(createElement(App))
const deadline = Date.now() + 10_000
while (document.body.textContent.trim() === '' && problems.length === 0) {
  if (Date.now() > deadline) problems.push('It shows nothing.')
  await new Promise((resolve) => setTimeout(resolve, 20))
}
root.unmount()
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.exit(problems.length)

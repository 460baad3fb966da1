/** What the bench opens in Chromium: streamdown, as its documentation shows it. */
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { Streamdown } from 'streamdown'

const root = createRoot(document.querySelector('#root'))

function startWith(prefix) {
  let all = prefix
  return (text) => {
    all += text
    root.render(createElement(Streamdown, {}, all))
  }
}

globalThis.start = { markdown: () => startWith(''), plain: () => startWith('```json\n') }

import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { install } from './page/install.ts'
import { showScheme } from './page/scheme.ts'
import { bringLanguage } from './words/words.ts'
import { bringSession } from './sign-in/session.ts'
import { loadMarkdown } from './markdown/live-markdown.tsx'
import './ui/tokens.css'
import './ui/base.css'

void loadMarkdown()
// The server may serve this page below a path of some site.
const url = new URL('.', location.href).href
showScheme()
const root = createRoot(document.querySelector('#page')!)
// Not awaited: files loaded meanwhile import from this one, and would wait for it.
void Promise.all([bringSession(url, (element) => root.render(element)), bringLanguage()]).then(([session]) =>
  root.render(<App url={url} session={session} />),
)
install(url)

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
const [session] = await Promise.all([bringSession(url), bringLanguage()])
createRoot(document.querySelector('#page')!).render(<App url={url} session={session} />)
install(url)

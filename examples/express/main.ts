/** Runnel inside an Express app that is there already: its login, its page, its database. */
import { createServer } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import express from 'express'
// In a project of yours: from '@runnel/core/server'.
import { createRunnel } from '../../server/index.ts'
import { addLogin, userOf } from './sessions.ts'

const { PORT = '3000', SHOP_DATABASE = ':memory:', DATABASE_URL = 'memory:' } = process.env

const database = new DatabaseSync(SHOP_DATABASE)
database.exec(
  'CREATE TABLE IF NOT EXISTS answers (task_id TEXT PRIMARY KEY, message_id TEXT, user_id TEXT, status TEXT, text TEXT) STRICT',
)
const insertAnswer = database.prepare('INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)')

const runnel = createRunnel({
  ...process.env,
  DATABASE_URL,
  RUNNEL_BASE_PATH: '/assistant',
  authenticate: (_token, request) => userOf(request),
  // At least once: the key makes a repetition harmless.
  onMessageEnd: ({ taskId, id, status, output }, { userId }) => {
    const text = output.map((block) => (block.type === 'text' ? block.text : '')).join('')
    insertAnswer.run(taskId ?? id, id, userId, status, text)
  },
})

const app = express()
app.use('/assistant', runnel.handler)
app.use(express.urlencoded())
addLogin(app)
app.get('/', (request, response) =>
  response.sendFile(fileURLToPath(new URL(userOf(request) ? './shop.html' : './login.html', import.meta.url))),
)
app.get('/answers', (request, response) => {
  const user = userOf(request)
  if (!user) return void response.status(401).send('Sign in first.')
  response.json(
    database.prepare('SELECT task_id, status, length(text) AS characters FROM answers WHERE user_id = ?').all(user.id),
  )
})

const server = createServer(app)
await runnel.attach(server)
server.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  console.log(`The shop is open at http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void runnel.close().then(() => server.close()))

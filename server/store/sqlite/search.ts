import type { SQLOutputValue } from 'node:sqlite'
import { Breath } from '../../waiting/breath.ts'
import type { Message } from '../../../shared/schema.ts'
import { IndexPieces, isOnePiece, type WordCounts } from '../index-pieces.ts'
import { queryWordsOf } from '../search-words.ts'
import { searchableText } from '../searchable.ts'
import type { SqliteConnection } from './connection.ts'

/**
 * Words of titles and messages, by chat: a search looks into the chats of who
 * asks, and nobody else's words cost anything. A long text is written and
 * erased in pieces, each in a transaction of its own, so that it holds up
 * nobody; what a crash leaves undone is done by the next start. Methods that
 * say nothing else are called inside a transaction.
 */
export interface SqliteSearch {
  putTitle(chatId: string, title: string): void
  /** A long text is only noted, and a long one before it only taken away: returns whether `finish` is to be called. */
  putMessage(message: Message): boolean
  /** It is not found any more; `finish` erases its words. */
  removeChat(chatId: string): void
  removeMessage(messageId: string): void
  /** Outside of transactions: indexes what was noted, and erases what was removed. Never rejects: what fails is done later. */
  finish(): Promise<void>
  /** The chats of a user that match, best first, each with its best message, or else its title. Outside of transactions. */
  find(userId: string, query: string, offset: number, limit: number): Owner[]
  /** What is not finished is left for the next start. */
  close(): void
}

/** Words that are erased at once: a list of so many characters. */
const maxErasedChars = 8_192

/** A message is known by its number, a title by that of its chat, below zero. */
export interface Owner {
  owner: number
  chat: number
}

export function sqliteSearch(connection: SqliteConnection): SqliteSearch {
  const selectTitle = connection.prepare('SELECT -number AS owner, number AS chat FROM chats WHERE id = ?')
  const messageOwner =
    'SELECT messages.number AS owner, chats.number AS chat FROM messages JOIN chats ON chats.id = chat_id'
  const selectMessage = connection.prepare(`${messageOwner} WHERE messages.id = ?`)
  const selectUnindexed = connection.prepare(
    `SELECT owner, chat, unindexed.message FROM unindexed LEFT JOIN (${messageOwner}) ON owner = unindexed.message LIMIT 1`,
  )
  const selectJson = connection.prepare('SELECT json FROM contents WHERE message = ?')
  const note = connection.prepare('INSERT OR IGNORE INTO unindexed (message) VALUES (?)')
  const unnote = connection.prepare('DELETE FROM unindexed WHERE message = ?')
  const insertPiece = connection.prepare('INSERT INTO word_pieces (owner, chat, words) VALUES (?, ?, ?)')
  const insertWord = connection.prepare('INSERT INTO words (chat, word, owner, weight) VALUES (?, ?, ?, ?)')
  const selectPieces = connection.prepare('SELECT piece, chat, words FROM word_pieces WHERE owner = ? LIMIT 2')
  const doomPieces = connection.prepare('UPDATE word_pieces SET owner = NULL WHERE owner = ?')
  const doomed = connection.prepare('SELECT piece, chat, words FROM word_pieces WHERE owner IS NULL LIMIT 1')
  const deleteWord = connection.prepare('DELETE FROM words WHERE chat = ? AND word = ? AND owner = ?')
  const deletePiece = connection.prepare('DELETE FROM word_pieces WHERE piece = ?')
  // The first word leaves few chats; the order of the joins is this one, from the user's own chats to their words.
  const find = connection.prepare(
    `WITH own AS MATERIALIZED (
       SELECT chats.number FROM members CROSS JOIN chats ON chats.id = members.chat_id
         WHERE members.user_id = ?1 AND chats.expires_at IS NULL AND EXISTS (
           SELECT 1 FROM words WHERE chat = chats.number AND word >= ?2 AND word < ?2 || char(1114111))
     ), wanted AS MATERIALIZED (SELECT value AS word FROM json_each(?3)),
     hits AS (
       SELECT words.chat, word_pieces.owner, sum(weight) AS rank
         FROM own CROSS JOIN wanted
         CROSS JOIN words ON words.chat = own.number AND words.word >= wanted.word AND words.word < wanted.word || char(1114111)
         CROSS JOIN word_pieces ON word_pieces.piece = words.owner AND word_pieces.owner IS NOT NULL
         GROUP BY words.chat, word_pieces.owner HAVING count(DISTINCT wanted.word) = json_array_length(?3)
     ), ranked AS (
       SELECT chat, owner, max(rank) OVER (PARTITION BY chat) AS best,
           row_number() OVER (PARTITION BY chat ORDER BY owner > 0 DESC, rank DESC) AS place FROM hits
     )
     SELECT chat, owner FROM ranked WHERE place = 1 ORDER BY best DESC, chat DESC LIMIT ?5 OFFSET ?4`,
  )
  /** Long texts by the number of their message; those that an earlier process noted are read again. */
  const waiting = new Map<number, { text: string }>()
  let finishing = Promise.resolve()
  let closed = false

  const titleOf = (chatId: string) => selectTitle.get(chatId) as Owner | undefined
  const messageOf = (messageId: string) => selectMessage.get(messageId) as Owner | undefined

  function remove({ owner }: Owner): void {
    doomPieces.run(owner)
    unnote.run(owner)
    waiting.delete(owner)
  }

  function erasePiece({ piece, chat, words }: Record<string, SQLOutputValue>): void {
    for (const word of String(words).split(' ')) deleteWord.run(chat!, word, piece!)
    deletePiece.run(piece!)
  }

  function putPiece({ owner, chat }: Owner, words: WordCounts, length: number): void {
    if (words.size === 0) return
    const piece = insertPiece.run(owner, chat, [...words.keys()].join(' ')).lastInsertRowid
    for (const [word, count] of words) insertWord.run(chat, word, piece, count / (1 + Math.log(1 + length / 6)))
  }

  /** Returns whether there is something left to finish. */
  function put(owner: Owner, text: string): boolean {
    const [before, another] = selectPieces.all(owner.owner)
    if (before && !another && String(before['words']).length <= maxErasedChars) erasePiece(before)
    remove(owner)
    const isShort = isOnePiece(text)
    if (isShort) {
      const pieces = new IndexPieces(text)
      for (let words = pieces.next(); words; words = pieces.next()) putPiece(owner, words, text.length)
    } else {
      note.run(owner.owner)
      waiting.set(owner.owner, { text })
      connection.onRollback(() => waiting.delete(owner.owner))
    }
    return !isShort || doomed.get() !== undefined
  }

  /** One step; false where there is nothing to do. */
  function erase(): boolean {
    return connection.write(() => {
      const row = doomed.get()
      if (row) erasePiece(row)
      return row !== undefined
    })
  }

  async function eraseAll(breath: Breath): Promise<void> {
    let any = false
    while (!closed && (any ||= doomed.get() !== undefined) && erase()) await breath.due()
    if (any && !closed) connection.scrubSoon()
  }

  function textOf(message: number): string {
    const json = selectJson.get(message)?.['json']
    return json ? searchableText(JSON.parse(String(json)) as Message) : ''
  }

  async function indexLong(owner: Owner, breath: Breath): Promise<void> {
    const message = owner.owner
    const job = waiting.get(message) ?? { text: textOf(message) }
    waiting.set(message, job)
    try {
      const pieces = new IndexPieces(job.text)
      for (let words = pieces.next(); words; words = pieces.next()) {
        const found = words
        if (found.size > 0) connection.write(() => putPiece(owner, found, job.text.length))
        await breath.due()
        // Removed, or written anew, while others had their turn.
        if (closed || waiting.get(message) !== job) return
      }
      connection.write(() => unnote.run(message))
    } finally {
      if (waiting.get(message) === job) waiting.delete(message)
    }
  }

  async function work(): Promise<void> {
    const breath = new Breath()
    await eraseAll(breath)
    while (!closed) {
      const noted = selectUnindexed.get()
      if (!noted) return
      // What a crash left half done is done from its beginning.
      if (!waiting.has(Number(noted['message']))) connection.write(() => doomPieces.run(noted['message']!))
      if (noted['owner'] === null) connection.write(() => unnote.run(noted['message']!))
      else await indexLong({ owner: Number(noted['owner']), chat: Number(noted['chat']) }, breath)
      await eraseAll(breath)
    }
  }

  return {
    putTitle(chatId, title) {
      const owner = titleOf(chatId)
      if (owner) put(owner, title)
    },
    putMessage(message) {
      const owner = messageOf(message.id)
      return owner !== undefined && put(owner, searchableText(message))
    },
    removeChat(chatId) {
      const owner = titleOf(chatId)
      if (owner) remove(owner)
    },
    removeMessage(messageId) {
      const owner = messageOf(messageId)
      if (owner) remove(owner)
    },
    finish: async () => {
      // One at a time; what was noted meanwhile is seen by the one that follows.
      finishing = finishing.then(work).catch(() => {})
      await finishing
    },
    find: (userId, query, offset, limit) =>
      connection.read(() => {
        const words = queryWordsOf(query)
        if (words.length === 0) return []
        const rows = find.all(userId, words[0]!, JSON.stringify(words), offset, limit)
        return rows.map((row) => ({ chat: Number(row['chat']), owner: Number(row['owner']) }))
      }),
    close() {
      closed = true
    },
  }
}

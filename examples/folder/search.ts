/** Full-text search in a folder of Markdown files: SQLite's FTS5, in memory. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface Hit {
  file: string
  heading: string
  text: string
}

export function indexFolder(folder: string): (question: string, limit?: number) => Hit[] {
  const database = new DatabaseSync(':memory:')
  database.exec(
    `CREATE VIRTUAL TABLE sections USING fts5 (file UNINDEXED, heading, text, tokenize = 'porter unicode61')`,
  )
  const insert = database.prepare('INSERT INTO sections VALUES (?, ?, ?)')
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.md'))) {
    for (const { heading, text } of sections(readFileSync(join(folder, file), 'utf8'))) insert.run(file, heading, text)
  }
  // A heading says more about its section than a word in it.
  const select = database.prepare(
    'SELECT file, heading, text FROM sections WHERE sections MATCH ? ORDER BY bm25(sections, 0, 3, 1) LIMIT ?',
  )
  return (question, limit = 3) => {
    // Each word in quotes: whatever people type is no query language.
    const words = [...question.matchAll(/[\p{L}\p{N}]{3,}/gu)].map(([word]) => `"${word}"`)
    return words.length === 0 ? [] : (select.all(words.join(' OR '), limit) as unknown as Hit[])
  }
}

/** A section is a heading with what is below it. */
function sections(markdown: string): { heading: string; text: string }[] {
  return markdown.split(/^(?=#{1,6} )/m).flatMap((part) => {
    const [, heading = '', text = ''] = /^(?:#+ (.*)\n)?([^]*)$/.exec(part)!
    return text.trim() === '' ? [] : [{ heading, text: text.trim() }]
  })
}

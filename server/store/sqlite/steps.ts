/**
 * The steps from an empty file to the present schema. Step n (from 1) takes
 * `PRAGMA user_version` from n - 1 to n; a step that was released never changes.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE chats (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner_id TEXT NOT NULL,
    title TEXT NOT NULL,
    system TEXT,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX chats_by_owner ON chats (owner_id, created_at, number);

  CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    chat_id TEXT NOT NULL,
    parent_id TEXT,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    task_id TEXT,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL,
    request TEXT,
    json TEXT
  ) STRICT;
  CREATE INDEX messages_by_chat ON messages (chat_id, created_at, number);
  CREATE INDEX messages_by_parent ON messages (parent_id) WHERE parent_id IS NOT NULL;
  CREATE INDEX messages_by_task ON messages (task_id) WHERE task_id IS NOT NULL;
  CREATE INDEX messages_unfinished ON messages (created_at, number)
    WHERE status IN ('queued', 'preparing', 'streaming', 'waiting');

  -- Small rows: the states are apart, so that a new epoch does not rewrite them.
  CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    lineage TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    released INTEGER NOT NULL DEFAULT 0,
    compacted_seq INTEGER NOT NULL DEFAULT 0,
    rewritten INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE states (
    document INTEGER PRIMARY KEY,
    state BLOB NOT NULL
  ) STRICT;

  -- No second index: it would lie on as many pages as there are documents.
  CREATE TABLE updates (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    data BLOB NOT NULL
  ) STRICT;

  CREATE TABLE provider_data (
    number INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    block_id TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (message_id, block_id)
  ) STRICT;

  CREATE TABLE claims (
    user_id TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    response TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, route, key)
  ) STRICT;
  CREATE INDEX claims_by_age ON claims (created_at);
  `,
  `
  CREATE TABLE members (
    chat_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (chat_id, user_id)
  ) STRICT;
  CREATE INDEX members_by_user ON members (user_id, chat_id);
  INSERT INTO members SELECT id, owner_id, owner_id, 'owner', created_at FROM chats;

  CREATE TABLE invites (
    id TEXT PRIMARY KEY,
    chat_id TEXT NOT NULL,
    role TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX invites_by_chat ON invites (chat_id, created_at);

  -- Written to find out whether writing works.
  CREATE TABLE probe (at INTEGER NOT NULL) STRICT;
  INSERT INTO probe VALUES (0);

  -- Rows have the numbers of the chats and messages they speak of. secure-delete: what is deleted leaves the index.
  CREATE VIRTUAL TABLE chat_text USING fts5(title, tokenize = 'unicode61 remove_diacritics 2');
  CREATE VIRTUAL TABLE message_text USING fts5(text, tokenize = 'unicode61 remove_diacritics 2');
  INSERT INTO chat_text (chat_text, rank) VALUES ('secure-delete', 1);
  INSERT INTO message_text (message_text, rank) VALUES ('secure-delete', 1);
  INSERT INTO chat_text (rowid, title) SELECT number, title FROM chats;
  INSERT INTO message_text (rowid, text)
    SELECT number, (SELECT group_concat(json_extract(value, '$.text'), char(10)) FROM json_each(json, '$.output')
      WHERE json_extract(value, '$.type') IN ('text', 'refusal'))
    FROM messages WHERE json IS NOT NULL;
  `,
  `
  CREATE TABLE files (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    chat_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX files_by_chat ON files (chat_id);

  -- A file goes with the last message that has it.
  CREATE TABLE message_files (
    message_id TEXT NOT NULL,
    file_id TEXT NOT NULL,
    PRIMARY KEY (message_id, file_id)
  ) STRICT;
  CREATE INDEX message_files_by_file ON message_files (file_id);

  -- Ids whose bytes are to go: what is not written to its end, what is deleted and still on the disk.
  CREATE TABLE doomed_files (
    id TEXT PRIMARY KEY
  ) STRICT;
  `,
  `
  -- Runs of messages that were continued since: a late stop still finds out that a newer one runs.
  CREATE TABLE past_tasks (
    task_id TEXT PRIMARY KEY,
    message_id TEXT NOT NULL
  ) STRICT;
  CREATE INDEX past_tasks_by_message ON past_tasks (message_id);

  CREATE TABLE untold_ends (
    number INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    task_id TEXT NOT NULL
  ) STRICT;
  CREATE INDEX untold_ends_by_message ON untold_ends (message_id);
  `,
  `
  -- 1 from the first message on that has it.
  ALTER TABLE files ADD COLUMN attached INTEGER NOT NULL DEFAULT 0;
  UPDATE files SET attached = 1 WHERE id IN (SELECT file_id FROM message_files);
  CREATE INDEX files_unattached ON files (user_id, created_at) WHERE attached = 0;
  `,
  `
  ALTER TABLE messages ADD COLUMN node TEXT;

  -- What is said to runs, in the order in which it came.
  CREATE TABLE orders (
    number INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (task_id, key)
  ) STRICT;
  `,
  `
  -- A chat that is in no list, and goes at this time.
  ALTER TABLE chats ADD COLUMN expires_at INTEGER;
  CREATE INDEX chats_by_expiry ON chats (expires_at) WHERE expires_at IS NOT NULL;
  `,
  `
  -- Words by chat, so that a search reads those of its own chats only. An owner is the number of a message, or of a chat
  -- below zero: its title. What an owner has stands in one text, too: with it all of it goes.
  CREATE TABLE words (
    chat INTEGER NOT NULL,
    word TEXT NOT NULL,
    owner INTEGER NOT NULL,
    weight REAL NOT NULL,
    PRIMARY KEY (chat, word, owner)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE word_owners (
    owner INTEGER PRIMARY KEY,
    chat INTEGER NOT NULL,
    words TEXT NOT NULL
  ) STRICT;
  CREATE VIRTUAL TABLE temp.message_terms USING fts5vocab(main, message_text, instance);
  CREATE VIRTUAL TABLE temp.title_terms USING fts5vocab(main, chat_text, instance);
  INSERT INTO words
    SELECT chats.number, substr(term, 1, 64), doc, min(count(*), 8) * 0.2
      FROM temp.message_terms JOIN messages ON messages.number = doc JOIN chats ON chats.id = messages.chat_id
      GROUP BY doc, substr(term, 1, 64);
  INSERT INTO words
    SELECT chats.number, substr(term, 1, 64), -doc, min(count(*), 8) * 0.5
      FROM temp.title_terms JOIN chats ON chats.number = doc GROUP BY doc, substr(term, 1, 64);
  INSERT INTO word_owners SELECT owner, chat, group_concat(word, ' ') FROM words GROUP BY owner;
  DROP TABLE temp.message_terms;
  DROP TABLE temp.title_terms;
  DROP TABLE message_text;
  DROP TABLE chat_text;
  `,
  `
  -- What is being sent counts as a file of its user and its chat. What is deleted has none of these.
  ALTER TABLE doomed_files ADD COLUMN user_id TEXT;
  ALTER TABLE doomed_files ADD COLUMN chat_id TEXT;
  ALTER TABLE doomed_files ADD COLUMN size INTEGER;
  CREATE INDEX files_by_user ON files (user_id, size);
  CREATE INDEX chats_by_owner_and_end ON chats (owner_id, expires_at);
  `,
  `
  -- What owned words, in pieces: a long text has several, so that none takes long to write or to erase. words.owner is
  -- the number of a piece from now on. Pieces of nobody (NULL) are still to be erased.
  CREATE TABLE word_pieces (
    piece INTEGER PRIMARY KEY AUTOINCREMENT,
    owner INTEGER,
    chat INTEGER NOT NULL,
    words TEXT NOT NULL
  ) STRICT;
  INSERT INTO word_pieces (piece, owner, chat, words) SELECT owner, owner, chat, words FROM word_owners;
  DROP TABLE word_owners;
  CREATE INDEX word_pieces_by_owner ON word_pieces (owner);

  -- Messages whose words are not all in the index.
  CREATE TABLE unindexed (message INTEGER PRIMARY KEY) STRICT;
  `,
  `
  -- Ends that their chats' lists do not say yet.
  CREATE TABLE unlisted_ends (
    number INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    task_id TEXT NOT NULL
  ) STRICT;

  -- What was said to a run that was over, or is gone.
  DELETE FROM orders WHERE task_id NOT IN
    (SELECT task_id FROM messages WHERE task_id IS NOT NULL AND status IN ('queued', 'preparing', 'streaming', 'waiting'));
  DELETE FROM provider_data WHERE message_id NOT IN (SELECT id FROM messages);
  `,
  `
  -- What a message says and its run asks for, and a chat's system prompt, apart from their rows: a column behind a
  -- large one is read through it.
  CREATE TABLE contents (
    message INTEGER PRIMARY KEY,
    request TEXT,
    json TEXT
  ) STRICT;
  INSERT INTO contents (message, request, json) SELECT number, request, json FROM messages;
  ALTER TABLE messages DROP COLUMN json;
  ALTER TABLE messages DROP COLUMN request;
  CREATE TABLE systems (
    chat INTEGER PRIMARY KEY,
    system TEXT NOT NULL
  ) STRICT;
  INSERT INTO systems (chat, system) SELECT number, system FROM chats WHERE system IS NOT NULL;
  ALTER TABLE chats DROP COLUMN system;
  `,
  `
  -- When a chat was active, for the last hour and once before that; only of chats that are in lists.
  CREATE TABLE activities (
    chat_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (chat_id, at)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO activities
    SELECT id, max(created_at, coalesce((SELECT max(created_at) FROM messages WHERE chat_id = chats.id), 0)) FROM chats WHERE expires_at IS NULL;

  -- A member's list is read in order. What there is was read, as far as anybody knows.
  ALTER TABLE members ADD COLUMN active_at INTEGER;
  ALTER TABLE members ADD COLUMN read_at INTEGER;
  UPDATE members SET active_at = (SELECT at FROM activities WHERE activities.chat_id = members.chat_id);
  UPDATE members SET read_at = active_at;
  CREATE INDEX members_by_activity ON members (user_id, active_at, chat_id);
  ALTER TABLE messages ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX messages_unfinished_by_chat ON messages (chat_id, waits) WHERE status IN ('queued', 'preparing', 'streaming', 'waiting');
  `,
  `
  -- What users are called in documents is made with it.
  CREATE TABLE keys (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  -- What runs of a chat take that do not say it themselves, beside the system prompt.
  CREATE TABLE chat_defaults (
    chat INTEGER PRIMARY KEY,
    model TEXT,
    params TEXT
  ) STRICT;

  ALTER TABLE members ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE members ADD COLUMN invite_id TEXT;
  `,
  `
  -- Messages that wait for their turn, in one line a chat. after_id: what the first of them answers, once that has ended.
  CREATE TABLE waiting (
    id TEXT PRIMARY KEY,
    chat_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    said TEXT NOT NULL,
    refused TEXT
  ) STRICT;
  CREATE INDEX waiting_by_chat ON waiting (chat_id, place);
  CREATE INDEX waiting_by_user ON waiting (user_id);

  -- listed: the version that the chat's document says.
  CREATE TABLE waiting_lines (
    chat_id TEXT PRIMARY KEY,
    after_id TEXT,
    version TEXT NOT NULL,
    listed TEXT
  ) STRICT;
  `,
  `
  -- 1: nobody has given it a title.
  ALTER TABLE chats ADD COLUMN untitled INTEGER NOT NULL DEFAULT 0;
  `,
]

/**
 * The steps from an empty schema to the present one. Step n (from 1) takes
 * `runnel_schema.version` from n - 1 to n; a step that was released never
 * changes. JSON is kept as `json`, which is the text as it was written: `jsonb`
 * refuses NUL in strings. Ids compare by bytes in every locale.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE chats (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    owner_id TEXT NOT NULL,
    title TEXT NOT NULL,
    system TEXT,
    created_at BIGINT NOT NULL,
    -- A chat that is in no list, and goes at this time.
    expires_at BIGINT,
    search TSVECTOR NOT NULL
  );
  CREATE INDEX chats_by_expiry ON chats (expires_at) WHERE expires_at IS NOT NULL;
  CREATE INDEX chats_by_word ON chats USING gin (search);

  CREATE TABLE messages (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    chat_id TEXT COLLATE "C" NOT NULL,
    parent_id TEXT COLLATE "C",
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    task_id TEXT COLLATE "C",
    user_id TEXT COLLATE "C" NOT NULL,
    node TEXT,
    status TEXT NOT NULL,
    request JSON,
    json JSON,
    search TSVECTOR
  );
  CREATE INDEX messages_by_chat ON messages (chat_id, created_at, number);
  CREATE INDEX messages_by_parent ON messages (parent_id) WHERE parent_id IS NOT NULL;
  CREATE INDEX messages_by_task ON messages (task_id) WHERE task_id IS NOT NULL;
  CREATE INDEX messages_unfinished ON messages (created_at, number)
    WHERE status IN ('queued', 'preparing', 'streaming', 'waiting');
  CREATE INDEX messages_by_word ON messages USING gin (search);

  -- Runs of messages that were continued since: a late stop still finds out that a newer one runs.
  CREATE TABLE past_tasks (
    task_id TEXT COLLATE "C" PRIMARY KEY,
    message_id TEXT COLLATE "C" NOT NULL
  );
  CREATE INDEX past_tasks_by_message ON past_tasks (message_id);

  -- What is said to runs, in the order in which it came.
  CREATE TABLE orders (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    body JSON NOT NULL,
    UNIQUE (task_id, key)
  );

  CREATE TABLE untold_ends (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id TEXT COLLATE "C" NOT NULL,
    task_id TEXT COLLATE "C" NOT NULL,
    UNIQUE (message_id, task_id)
  );

  CREATE TABLE provider_data (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id TEXT COLLATE "C" NOT NULL,
    block_id TEXT COLLATE "C" NOT NULL,
    data JSON NOT NULL,
    UNIQUE (message_id, block_id)
  );

  CREATE TABLE claims (
    user_id TEXT COLLATE "C" NOT NULL,
    route TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    body_hash TEXT NOT NULL,
    response JSON NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, route, key)
  );
  CREATE INDEX claims_by_age ON claims (created_at);

  CREATE TABLE members (
    chat_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (chat_id, user_id)
  );
  CREATE INDEX members_by_user ON members (user_id, chat_id);

  CREATE TABLE invites (
    id TEXT COLLATE "C" PRIMARY KEY,
    chat_id TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    token_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
  );
  CREATE INDEX invites_by_chat ON invites (chat_id, created_at);

  CREATE TABLE files (
    id TEXT COLLATE "C" PRIMARY KEY,
    chat_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- From the first message on that has it.
    attached BOOLEAN NOT NULL DEFAULT FALSE
  );
  CREATE INDEX files_by_chat ON files (chat_id);
  CREATE INDEX files_unattached ON files (user_id, created_at) WHERE NOT attached;

  -- A file goes with the last message that has it.
  CREATE TABLE message_files (
    message_id TEXT COLLATE "C" NOT NULL,
    file_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (message_id, file_id)
  );
  CREATE INDEX message_files_by_file ON message_files (file_id);

  -- Ids whose bytes are to go: what is not written to its end, what is deleted and still on the disk.
  CREATE TABLE doomed_files (
    id TEXT COLLATE "C" PRIMARY KEY
  );

  -- Written to find out whether writing works.
  CREATE TABLE probe (at BIGINT NOT NULL);
  INSERT INTO probe VALUES (0);

  -- Changed with every append. Room on the page lets the new row stand beside the old one, without a word to the index.
  CREATE TABLE documents (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    lineage TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    released BOOLEAN NOT NULL DEFAULT FALSE,
    seq BIGINT NOT NULL DEFAULT 0,
    compacted_seq BIGINT NOT NULL DEFAULT 0
  ) WITH (fillfactor = 50);
  CREATE TABLE states (
    document BIGINT PRIMARY KEY,
    state BYTEA NOT NULL
  );
  CREATE TABLE updates (
    document BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (document, seq)
  );

  -- One entry for each document named, their bytes behind one another in data.
  CREATE FUNCTION runnel_append(docs TEXT[], epochs BIGINT[], previous BIGINT[], shared BOOLEAN[], sizes INT[], data BYTEA)
  RETURNS TABLE (status TEXT, last_seq BIGINT) LANGUAGE plpgsql AS $$
  DECLARE
    document documents%ROWTYPE;
    place INT := 1;
  BEGIN
    -- In one order, so that no two appends wait for each other.
    PERFORM 1 FROM documents WHERE id = ANY (docs) ORDER BY number FOR NO KEY UPDATE;
    FOR i IN 1 .. cardinality(docs) LOOP
      SELECT * INTO document FROM documents WHERE id = docs[i];
      last_seq := document.seq;
      IF NOT FOUND OR document.epoch < epochs[i] OR (document.epoch > epochs[i] AND NOT shared[i]) THEN
        status := 'fenced';
      ELSIF document.seq <> previous[i] AND NOT shared[i] THEN
        status := 'gap';
      ELSE
        status := 'ok';
        IF sizes[i] > 0 THEN
          last_seq := document.seq + 1;
          INSERT INTO updates VALUES (document.number, last_seq, substr(data, place, sizes[i]));
          UPDATE documents SET seq = last_seq WHERE number = document.number;
        END IF;
      END IF;
      place := place + sizes[i];
      RETURN NEXT;
    END LOOP;
  END $$;

  -- A state that comes late, or under an old epoch, changes nothing.
  CREATE FUNCTION runnel_compact(doc TEXT, writer BIGINT, upto BIGINT, new_state BYTEA, shared BOOLEAN)
  RETURNS VOID LANGUAGE plpgsql AS $$
  DECLARE
    head documents%ROWTYPE;
  BEGIN
    SELECT * INTO head FROM documents WHERE id = doc FOR NO KEY UPDATE;
    IF NOT FOUND OR (head.epoch <> writer AND NOT shared) OR upto > head.seq OR upto < head.compacted_seq THEN
      RETURN;
    END IF;
    INSERT INTO states VALUES (head.number, new_state) ON CONFLICT (document) DO UPDATE SET state = excluded.state;
    DELETE FROM updates WHERE document = head.number AND seq <= upto;
    UPDATE documents SET compacted_seq = upto WHERE number = head.number;
  END $$;
  `,
  `
  -- A search reads the messages of its own chats: an index over the words of all would only be kept up.
  DROP INDEX messages_by_word;
  DROP INDEX chats_by_word;
  `,
  `
  -- What is being sent counts as a file of its user and its chat. What is deleted has none of these.
  ALTER TABLE doomed_files ADD COLUMN user_id TEXT COLLATE "C", ADD COLUMN chat_id TEXT COLLATE "C", ADD COLUMN size BIGINT;
  CREATE INDEX files_by_user ON files (user_id, size);
  CREATE INDEX chats_by_owner ON chats (owner_id, expires_at);
  `,
  `
  -- Ends that their chats' lists do not say yet.
  CREATE TABLE unlisted_ends (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id TEXT COLLATE "C" NOT NULL UNIQUE,
    task_id TEXT COLLATE "C" NOT NULL
  );

  -- What was said to a run that was over, or is gone.
  DELETE FROM orders WHERE NOT EXISTS
    (SELECT 1 FROM messages WHERE messages.task_id = orders.task_id AND status IN ('queued', 'preparing', 'streaming', 'waiting'));
  DELETE FROM provider_data WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id = message_id);
  `,
  `
  -- When a chat was active, for the last hour and once before that; only of chats that are in lists.
  CREATE TABLE activities (
    chat_id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (chat_id, at)
  );
  INSERT INTO activities
    SELECT id, greatest(created_at, (SELECT max(created_at) FROM messages WHERE chat_id = chats.id)) FROM chats WHERE expires_at IS NULL;

  -- A member's list is read in order. What there is was read, as far as anybody knows.
  ALTER TABLE members ADD COLUMN active_at BIGINT;
  ALTER TABLE members ADD COLUMN read_at BIGINT;
  UPDATE members SET active_at = at, read_at = at FROM activities WHERE activities.chat_id = members.chat_id;
  -- A node of the version before says nothing of it.
  ALTER TABLE members ALTER COLUMN active_at SET DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
  CREATE INDEX members_by_activity ON members (user_id, active_at, chat_id);
  ALTER TABLE messages ADD COLUMN waits BOOLEAN NOT NULL DEFAULT FALSE;
  CREATE INDEX messages_unfinished_by_chat ON messages (chat_id, waits) WHERE status IN ('queued', 'preparing', 'streaming', 'waiting');
  `,
  `
  -- What users are called in documents is made with it.
  CREATE TABLE keys (
    name TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
  );

  -- What runs of a chat take that do not say it themselves, beside the system prompt.
  ALTER TABLE chats ADD COLUMN model TEXT;
  ALTER TABLE chats ADD COLUMN params JSON;

  ALTER TABLE members ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT false;
  ALTER TABLE members ADD COLUMN invite_id TEXT COLLATE "C";
  `,
  `
  -- Messages that wait for their turn, in one line a chat. after_id: what the first of them answers, once that has ended.
  CREATE TABLE waiting (
    id TEXT COLLATE "C" PRIMARY KEY,
    chat_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    place BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    said JSON NOT NULL,
    refused JSON
  );
  CREATE INDEX waiting_by_chat ON waiting (chat_id, place);
  CREATE INDEX waiting_by_user ON waiting (user_id);

  -- listed: the version that the chat's document says.
  CREATE TABLE waiting_lines (
    chat_id TEXT COLLATE "C" PRIMARY KEY,
    after_id TEXT COLLATE "C",
    version TEXT COLLATE "C" NOT NULL,
    listed TEXT COLLATE "C"
  );

  -- Chats from which something is being deleted: until then nothing of their lines is taken.
  CREATE TABLE waiting_holds (
    hold TEXT COLLATE "C" PRIMARY KEY,
    chat_id TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL
  );
  CREATE INDEX waiting_holds_by_chat ON waiting_holds (chat_id);
  `,
  `
  -- Nobody has given it a title.
  ALTER TABLE chats ADD COLUMN untitled BOOLEAN NOT NULL DEFAULT false;
  `,
]

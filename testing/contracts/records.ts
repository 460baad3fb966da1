import type { Message } from '../../shared/schema.ts'
import type { StoredChat, Claim, NewRun } from '../../server/index.ts'

export const chatId = 'chat_aaaaaaaa'
export const startedAt = 1_700_000_000_000

export function chat(id = chatId, fields: Partial<StoredChat> = {}): StoredChat {
  return { id, ownerId: 'user_1', title: 'Tides', system: null, createdAt: startedAt, ...fields }
}

export function question(id: string, fields: Partial<Message> = {}): Message {
  return {
    id,
    chatId,
    parentId: null,
    role: 'user',
    status: 'completed',
    createdAt: startedAt,
    schema: 1,
    output: [{ id: 'block_1', type: 'text', status: 'completed', text: 'Why are there tides?', annotations: [] }],
    ...fields,
  }
}

/** The canonical JSON of an answer that has ended. */
export function answer(id: string, fields: Partial<Message> = {}): Message {
  return { ...question(id), role: 'assistant', taskId: `task_${id}`, ...fields }
}

export function newRun(id: string, fields: Partial<NewRun['assistant']> = {}, rest: Partial<NewRun> = {}): NewRun {
  return {
    userMessage: null,
    assistant: {
      id,
      chatId,
      parentId: null,
      createdAt: startedAt,
      taskId: `task_${id}`,
      userId: 'user_1',
      node: 'local',
      status: 'queued',
      request: { model: 'm' },
      ...fields,
    },
    lineage: `lineage of ${id}`,
    ...rest,
  }
}

export function claim(fields: Partial<Claim> = {}): Claim {
  return {
    userId: 'user_1',
    route: 'POST messages',
    key: 'key-1',
    bodyHash: 'hash',
    response: { messageId: 'msg_aaaaaaaa' },
    createdAt: startedAt,
    ...fields,
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function text(data: Uint8Array | null | undefined): string | null {
  return data ? new TextDecoder().decode(data) : null
}

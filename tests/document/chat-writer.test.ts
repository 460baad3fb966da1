import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { ChatWriter } from '../../server/document/chat-writer.ts'
import { readChat, type WaitingEntry } from '../../shared/schema.ts'

const waiting = (id: string): WaitingEntry => ({ id, by: { id: 'u', name: 'Ada' }, createdAt: 1, text: id, model: 'm' })

test('what is sent leaves the waiting messages alone that its sender did not know', () => {
  const writer = new ChatWriter(new Y.Doc(), 1)
  writer.setChat({ waiting: [waiting('msg_1')] })
  writer.commit()
  writer.setChat({ waiting: [waiting('msg_1'), waiting('msg_2')] })
  writer.leaveWaiting('msg_1')
  writer.commit()
  expect(readChat(writer.doc).chat.waiting).toEqual([waiting('msg_2')])
  expect(writer.dirty).toBe(false)
  writer.leaveWaiting('msg_2')
  writer.commit()
  expect(readChat(writer.doc).chat).not.toHaveProperty('waiting')
})

test('a title that was given since stays', () => {
  const writer = new ChatWriter(new Y.Doc(), 1)
  const chat = { id: 'chat_1', title: 'Old', createdAt: 1 }
  writer.introduce(chat)
  writer.commit()
  writer.setChat({ title: 'New' })
  writer.introduce(chat)
  writer.commit()
  expect(readChat(writer.doc).chat).toEqual({ ...chat, title: 'New' })
})

import type { Client, ListedTask } from '@runnel/client'
import { useClient, useTasks } from '@runnel/client/react'
import { useEffect, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { useVisible } from '../ui/media.ts'
import { useWords, wordsNow } from '../words/words.ts'
import { noticeState, turnNotices, useNoticeState } from './notice-choice.ts'
import { holdSeen, notify } from './notify.ts'
import './notices.css'

/** People turn to something else when an answer takes longer than this, ms. */
const longMs = 20_000

/** While no tab of the page is in view, the browser tells this user when their answers end or wait for them. */
export function Notices() {
  const { api } = useClient()
  const { tasks, pending, error } = useTasks()
  const isVisible = useVisible()
  const last = useRef<readonly ListedTask[] | null>(null)
  useEffect(() => (isVisible ? holdSeen() : undefined), [isVisible])
  useEffect(() => {
    if (pending || error) return
    const before = last.current
    last.current = tasks
    if (!before || noticeState() !== 'on' || document.visibilityState === 'visible') return
    for (const task of changed(before, tasks)) void tell(api, task)
  }, [api, tasks, pending, error])
  return <Question tasks={tasks} />
}

interface Change extends ListedTask {
  hasEnded: boolean
}

/** The runs that now wait for a person and did not before, new ones too, and the runs that are gone. */
function changed(before: readonly ListedTask[], now: readonly ListedTask[]): Change[] {
  const has = (tasks: readonly ListedTask[], { taskId, status }: Partial<ListedTask>) =>
    tasks.some((task) => task.taskId === taskId && (status === undefined || task.status === status))
  return [
    ...before.filter(({ taskId }) => !has(now, { taskId })).map((task) => ({ ...task, hasEnded: true })),
    ...now
      .filter((task) => task.status === 'waiting' && !has(before, task))
      .map((task) => ({ ...task, hasEnded: false })),
  ]
}

async function tell(api: Client['api'], { chatId, messageId, taskId, hasEnded }: Change) {
  const words = wordsNow().page.notices
  const name = `${taskId} ${hasEnded ? 'ended' : 'waits'}`
  try {
    const [{ title }, message] = await Promise.all([api.getChat(chatId), hasEnded ? api.getMessage(messageId) : null])
    // The person who stopped it knows already.
    if (message?.status === 'stopped') return
    const body = !message ? words.waits : message.status === 'completed' ? words.ready : words.failed
    await notify({ name, title: title || wordsNow().list.untitled, body, chatId })
  } catch {
    // It was deleted, or cannot be read: there is nothing to tell.
  }
}

/** At the first long answer the page asks, before the browser does. */
function Question({ tasks }: { tasks: readonly ListedTask[] }) {
  const words = useWords().page.notices
  const state = useNoticeState()
  const [long, setLong] = useState<string | null>(null)
  const first = tasks.find(({ place }) => place === undefined)?.taskId
  const isAsked = state === 'unasked'
  useEffect(() => {
    if (first === undefined || !isAsked) return
    const timer = setTimeout(() => setLong(first), longMs)
    return () => clearTimeout(timer)
  }, [first, isAsked])
  if (!isAsked || long === null || !tasks.some(({ taskId }) => taskId === long)) return null
  return (
    <div className="notice-question" role="region" aria-label={words.ask} data-testid="notice-question">
      <p>{words.ask}</p>
      <Button look="primary" onClick={() => void turnNotices(true)}>
        {words.yes}
      </Button>
      <Button look="quiet" onClick={() => void turnNotices(false)}>
        {words.no}
      </Button>
    </div>
  )
}

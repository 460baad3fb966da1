import type { DecideOptions } from '../api.ts'
import type { EditRequest, RunRequest, SendRequest, Sent, TaskInfo } from '../api-types.ts'
import type { Client } from '../index.ts'
import { asRunnelError } from '../parts/loader.ts'
import { branch } from '../tree.ts'
import type { RunnelError } from '../../shared/errors.ts'
import type { Json, ToolCallBlock } from '../../shared/schema.ts'
import type { Provided } from './provided.ts'
import { useProvided } from './provider.ts'
import { useCallback, useEffect, useMemo, useRef, useState } from './react.ts'

export interface ActionState {
  /** Something that was asked for here has not been answered yet. */
  readonly pending: boolean
  /** Why the last one failed. */
  readonly error: RunnelError | null
  /** Forgets the error. */
  readonly reset: () => void
}

/**
 * What a person may do, and how it stands. It never rejects: null says that it failed, `error` why. A second click while it is under way,
 * or within a second, gets the answer of the first. After a failure on the way, the same again is done once.
 */
export type Action<Args extends unknown[], Result> = readonly [
  act: (...args: Args) => Promise<Result | null>,
  state: ActionState,
]

type Run<Args extends unknown[], Result> = (provided: Provided, ...args: Args) => Promise<Result>

interface State {
  scope: string
  pending: number
  error: RunnelError | null
}

/** `scope`: what it is done to; another one has neither the pending nor the error of this. */
function useAction<Args extends unknown[], Result>(scope: string, run: Run<Args, Result>): Action<Args, Result> {
  const provided = useProvided()
  const latest = useRef(run)
  useEffect(() => {
    latest.current = run
  })
  const [state, setState] = useState<State>({ scope, pending: 0, error: null })
  const shown = state.scope === scope ? state : { pending: 0, error: null }
  const act = useCallback(
    async (...args: Args): Promise<Result | null> => {
      setState((last) => ({ scope, pending: (last.scope === scope ? last.pending : 0) + 1, error: null }))
      const settle = (error: RunnelError | null) =>
        setState((last) => (last.scope === scope ? { scope, pending: last.pending - 1, error } : last))
      try {
        const result = await latest.current(provided, ...args)
        settle(null)
        return result
      } catch (error) {
        settle(asRunnelError(error))
        return null
      }
    },
    [provided, scope],
  )
  const reset = useCallback(
    () => setState((last) => (last.scope === scope && last.error ? { ...last, error: null } : last)),
    [scope],
  )
  const pending = shown.pending > 0
  const { error } = shown
  return useMemo(() => [act, { pending, error, reset }] as const, [act, pending, error, reset])
}

/** The same action with the same arguments is the same intent. */
function intent(scope: string, ...args: unknown[]): string {
  return `${scope} ${JSON.stringify(args)}`
}

/**
 * Says something in a chat and shows the branch that it begins; null: in a new chat, made with the first message. It answers
 * the last message on show where that is not the newest.
 */
export function useSend(chatId: string | null): Action<[message: string | SendRequest], Sent> {
  const scope = `send ${chatId}`
  return useAction(scope, async (provided, message) => {
    const sent = await provided.calls.run(
      intent(scope, message),
      () => requestOf(provided, chatId, message),
      async (request, idempotencyKey) => {
        const { api } = provided.client
        const to = chatId ?? (await api.createChat({}, { idempotencyKey: `${idempotencyKey}-chat` })).id
        return await api.send(to, request, { idempotencyKey })
      },
    )
    return shown(provided, sent)
  })
}

function requestOf(provided: Provided, chatId: string | null, message: string | SendRequest): SendRequest {
  const request = typeof message === 'string' ? { content: message } : message
  if (chatId === null || request.parentId !== undefined) return request
  const chat = provided.chat(chatId)
  const last = chat.branch.getSnapshot().at(-1)?.message.id
  // Behind the newest message the server sees to it that two tabs do not ask at once.
  const isNewest = last === undefined || branch(chat.chat.getSnapshot().messages).at(-1) === last
  return isNewest ? request : { ...request, parentId: last }
}

function shown(provided: Provided, sent: Sent): Sent {
  provided.chat(sent.chatId).choose(sent.messageId)
  return sent
}

/** Stops the run of an answer that is on show, not one that began since. */
export function useStop(messageId: string): Action<[], TaskInfo> {
  const scope = `stop ${messageId}`
  return useAction(scope, (provided) => {
    const taskId = provided.message(messageId).getSnapshot().message?.taskId
    return provided.calls.run(
      intent(scope, taskId),
      () => taskId,
      (run) => provided.client.api.stop(messageId, run),
    )
  })
}

/** Lets a tool call of an answer run, or not; with edited `arguments` it runs with those. */
export function useDecide(
  messageId: string,
): Action<
  [callId: string, decision: 'approve' | 'deny', options?: Pick<DecideOptions, 'reason' | 'arguments'>],
  ToolCallBlock
> {
  const scope = `decide ${messageId}`
  return useAction(scope, (provided, callId, decision, options = {}) =>
    provided.calls.run(
      intent(scope, callId, decision, options),
      () => options,
      (said, idempotencyKey) => provided.client.api.decide(messageId, callId, decision, { ...said, idempotencyKey }),
    ),
  )
}

/** Gives the result of a tool call that this client runs. */
export function useAnswerCall(messageId: string): Action<[callId: string, output: Json], ToolCallBlock> {
  const scope = `answer ${messageId}`
  return useAction(scope, (provided, callId, output) =>
    provided.calls.run(
      intent(scope, callId, output),
      () => output,
      (said, idempotencyKey) => provided.client.api.answerCall(messageId, callId, said, { idempotencyKey }),
    ),
  )
}

/** Makes another answer beside this one, and shows it. */
export function useRegenerate(messageId: string): Action<[request?: RunRequest], Sent> {
  const scope = `regenerate ${messageId}`
  return useAction(scope, async (provided, request = {}) =>
    shown(
      provided,
      await provided.calls.run(
        intent(scope, request),
        () => request,
        (said, idempotencyKey) => provided.client.api.regenerate(messageId, said, { idempotencyKey }),
      ),
    ),
  )
}

/** Asks anew in place of a question: a new branch, which is shown. */
export function useEdit(messageId: string): Action<[question: string | EditRequest], Sent> {
  const scope = `edit ${messageId}`
  return useAction(scope, async (provided, question) =>
    shown(
      provided,
      await provided.calls.run(
        intent(scope, question),
        () => (typeof question === 'string' ? { content: question } : question),
        (said, idempotencyKey) => provided.client.api.edit(messageId, said, { idempotencyKey }),
      ),
    ),
  )
}

/** Goes on with an answer that has ended. */
export function useContinue(messageId: string): Action<[], Sent> {
  const scope = `continue ${messageId}`
  return useAction(scope, (provided) =>
    provided.calls.run(
      intent(scope, provided.message(messageId).getSnapshot().message?.taskId),
      () => ({}),
      (_, idempotencyKey) => provided.client.api.continue(messageId, { idempotencyKey }),
    ),
  )
}

/** Deletes a message with all that answers it; true when it is done. */
export function useDeleteMessage(messageId: string): Action<[], true> {
  const scope = `delete ${messageId}`
  return useAction(scope, (provided) =>
    provided.calls.run(
      scope,
      () => ({}),
      async () => {
        await provided.client.api.deleteMessage(messageId)
        return true as const
      },
    ),
  )
}

/** Any other call, with pending and error: `useCall((api, title: string) => api.renameChat(chatId, title))`. */
export function useCall<Args extends unknown[], Result>(
  call: (api: Client['api'], ...args: Args) => Promise<Result>,
): Action<Args, Result> {
  const running = useRef(new Map<string, Promise<Result>>())
  return useAction('call', (provided, ...args) => {
    const name = JSON.stringify(args)
    const known = running.current.get(name)
    if (known) return known
    const result = call(provided.client.api, ...args).finally(() => running.current.delete(name))
    running.current.set(name, result)
    return result
  })
}

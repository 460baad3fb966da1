import type { Api, DecideOptions } from '../api.ts'
import type { EditRequest, RunRequest, SendRequest, Sent, TaskInfo } from '../api-types.ts'
import { asRunnelError } from '../parts/loader.ts'
import { branch } from '../tree.ts'
import type { RunnelError } from '../../shared/errors.ts'
import type { Json, ToolCallBlock } from '../../shared/schema.ts'
import type { Provided } from './provided.ts'
import { useProvided } from './provider.ts'
import { Calls } from './calls.ts'
import { chatOf, messageOf } from './stores.ts'
import { useEffect, useMemo, useState } from './react.ts'

export interface ActionState {
  /** A call has been made and not been answered yet. */
  readonly pending: boolean
  /** Why the last call failed. */
  readonly error: RunnelError | null
  /** Forgets the error. */
  readonly reset: () => void
}

/**
 * An action and its state. It never rejects: null means that it failed, and `error` says why. A second click while it is under way,
 * or within a second, gets the answer of the first. If it failed on the way, trying again does it only once.
 */
export type Action<Args extends unknown[], Result> = readonly [
  act: (...args: Args) => Promise<Result | null>,
  state: ActionState,
]

type Run<Args extends unknown[], Result> = (provided: Provided, ...args: Args) => Promise<Result>

interface State {
  readonly scope: string
  readonly pending: number
  readonly error: RunnelError | null
}

/** `scope`: what the action is about. Another scope has its own pending and error. */
function useAction<Args extends unknown[], Result>(scope: string, run: Run<Args, Result>): Action<Args, Result> {
  const provided = useProvided()
  // An `act` of another scope goes on with what it was made for.
  const latest = useMemo(() => ({ run }), [provided, scope])
  useEffect(() => {
    latest.run = run
  })
  const idle: State = { scope, pending: 0, error: null }
  const [state, setState] = useState(idle)
  const [act, reset] = useMemo(() => {
    const change = (by: number, error: RunnelError | null) =>
      setState((last) => {
        if (last.scope === scope) return { scope, pending: last.pending + by, error }
        return by > 0 ? { scope, pending: by, error } : last
      })
    const act = async (...args: Args): Promise<Result | null> => {
      change(1, null)
      try {
        const result = await latest.run(provided, ...args)
        change(-1, null)
        return result
      } catch (error) {
        change(-1, asRunnelError(error))
        return null
      }
    }
    return [act, () => change(0, null)]
  }, [provided, scope, latest])
  const { pending, error } = state.scope === scope ? state : idle
  return useMemo(() => [act, { pending: pending > 0, error, reset }] as const, [act, pending, error, reset])
}

/** What is wanted, once: the same action with the same arguments is the same intent. */
function once<Request, Result>(
  provided: Provided,
  intent: readonly unknown[],
  prepare: () => Request,
  perform: (api: Api, request: Request, options: { idempotencyKey: string }) => Promise<Result>,
): Promise<Result> {
  const calls = provided.kept('calls', () => new Calls())
  return calls.run(JSON.stringify(intent), prepare, (request, idempotencyKey) =>
    perform(provided.getClient().api, request, { idempotencyKey }),
  )
}

/** An action on one thing, whose arguments are its request. */
function useCallOn<Args extends unknown[], Result>(
  name: string,
  id: string,
  perform: (api: Api, options: { idempotencyKey: string }, ...args: Args) => Promise<Result>,
  shows?: (provided: Provided, result: Result) => void,
): Action<Args, Result> {
  return useAction(`${name} ${id}`, async (provided, ...args) => {
    const result = await once(
      provided,
      [name, id, args],
      () => args,
      (api, said, options) => perform(api, options, ...said),
    )
    shows?.(provided, result)
    return result
  })
}

function show(provided: Provided, { chatId, messageId }: Sent): void {
  chatOf(provided, chatId).choose(messageId)
}

/**
 * Sends a message in a chat and shows its branch; null: in a new chat, created with this message. It follows
 * the last message on show, if that is not the newest.
 */
export function useSend(chatId: string | null): Action<[message: string | SendRequest], Sent> {
  return useAction(`send ${chatId}`, async (provided, message) => {
    const sent = await once(
      provided,
      ['send', chatId, message],
      () => requestOf(provided, chatId, message),
      async (api, request, { idempotencyKey }) => {
        const to = chatId ?? (await api.createChat({}, { idempotencyKey: `${idempotencyKey}-chat` })).id
        return await api.send(to, request, { idempotencyKey })
      },
    )
    show(provided, sent)
    return sent
  })
}

function requestOf(provided: Provided, chatId: string | null, message: string | SendRequest): SendRequest {
  const request = typeof message === 'string' ? { content: message } : message
  if (chatId === null || request.parentId !== undefined) return request
  const { branch: shown, chat } = chatOf(provided, chatId)
  const last = shown.getSnapshot().entries.at(-1)?.message.id
  // Behind the newest message the server sees to it that two tabs do not ask at once. Of what is hidden it knows nothing.
  const isNewest = branch(chat.getSnapshot().messages).at(-1) === last
  return isNewest ? request : { ...request, parentId: last ?? null }
}

/** The run of an answer that is on show. */
const runOf = (provided: Provided, messageId: string) => messageOf(provided, messageId).getSnapshot().message?.taskId

/** Stops the run of an answer that is on show, not a later one. */
export function useStop(messageId: string): Action<[], TaskInfo> {
  return useAction(`stop ${messageId}`, (provided) => {
    const taskId = runOf(provided, messageId)
    return once(
      provided,
      ['stop', messageId, taskId],
      () => taskId,
      (api, run) => api.stop(messageId, run),
    )
  })
}

/** Continues an answer that has ended. */
export function useContinue(messageId: string): Action<[], Sent> {
  return useAction(`continue ${messageId}`, (provided) =>
    once(
      provided,
      ['continue', messageId, runOf(provided, messageId)],
      () => null,
      (api, _, options) => api.continue(messageId, options),
    ),
  )
}

/** Approves or denies a tool call of an answer; with edited `arguments` it runs with those. */
export function useDecide(
  messageId: string,
): Action<
  [callId: string, decision: 'approve' | 'deny', options?: Pick<DecideOptions, 'reason' | 'arguments'>],
  ToolCallBlock
> {
  return useCallOn('decide', messageId, (api, options, callId, decision, said) =>
    api.decide(messageId, callId, decision, { ...said, ...options }),
  )
}

/** Gives the result of a tool call that this client runs. */
export function useAnswerCall(messageId: string): Action<[callId: string, output: Json], ToolCallBlock> {
  return useCallOn('answer', messageId, (api, options, callId, output) =>
    api.answerCall(messageId, callId, output, options),
  )
}

/** Asks for another version of this answer, and shows it. */
export function useRegenerate(messageId: string): Action<[request?: RunRequest], Sent> {
  return useCallOn(
    'regenerate',
    messageId,
    (api, options, request) => api.regenerate(messageId, request, options),
    show,
  )
}

/** Asks a question again with other words. This makes a new branch, which is shown. */
export function useEdit(messageId: string): Action<[question: string | EditRequest], Sent> {
  return useCallOn(
    'edit',
    messageId,
    (api, options, question) =>
      api.edit(messageId, typeof question === 'string' ? { content: question } : question, options),
    show,
  )
}

/** Deletes a message with everything that answers it; true when it is done. */
export function useDeleteMessage(messageId: string): Action<[], true> {
  return useCallOn('delete', messageId, (api) => api.deleteMessage(messageId).then(() => true as const))
}

/** Shows older messages of the branch on show, where it `hasOlder`. */
export function useLoadOlder(chatId: string): Action<[], true> {
  return useAction(`older ${chatId}`, (provided) => chatOf(provided, chatId).loadOlder())
}

/**
 * Any other call, with pending and error: `useCall(`rename ${chatId}`, (api, title: string) => api.renameChat(chatId, title))`. A
 * repeat while it is under way gets the same answer. `name` says what is done to what: another one is another action.
 */
export function useCall<Args extends unknown[], Result>(
  name: string,
  call: (api: Api, ...args: Args) => Promise<Result>,
): Action<Args, Result> {
  const provided = useProvided()
  const running = useMemo(() => new Map<string, Promise<Result>>(), [provided, name])
  return useAction(`call ${name}`, (provided, ...args) => {
    const said = JSON.stringify(args)
    const known = running.get(said)
    if (known) return known
    const result = call(provided.getClient().api, ...args).finally(() => running.delete(said))
    running.set(said, result)
    return result
  })
}

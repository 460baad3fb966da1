import type { Client } from '../index.ts'
import { onOpened } from '../opened.ts'
import { asRunnelError } from '../parts/loader.ts'
import type { Question } from '../questions.ts'
import type { RunnelError } from '../../shared/errors.ts'
import type { ChatMessage } from '../tree.ts'
import { useProvided } from './provider.ts'
import { useCallback, useEffect, useState } from './react.ts'

export interface Reading<Data> {
  /** The last result; undefined before the first. */
  readonly data: Data | undefined
  readonly pending: boolean
  readonly error: RunnelError | null
  readonly reload: () => void
}

interface State<Data> {
  name: string
  data: Data | undefined
  pending: boolean
  error: RunnelError | null
}

/**
 * Reads over HTTP while it is on show: `useRead('models', (api, signal) => api.listModels({}, { signal }))`. It reads anew when
 * `name` is another, and then shows nothing of the old one; and when the line is open again, what could not be read without it or
 * without being signed in.
 */
export function useRead<Data>(
  name: string,
  read: (api: Client['api'], signal: AbortSignal) => Promise<Data>,
): Reading<Data> {
  const provided = useProvided()
  const [round, setRound] = useState(0)
  const nothing: State<Data> = { name, data: undefined, pending: true, error: null }
  const [state, setState] = useState(nothing)
  useEffect(() => {
    const abort = new AbortController()
    const show = (change: Partial<State<Data>>) => {
      if (!abort.signal.aborted)
        setState((last) => ({ ...(last.name === name ? last : { ...nothing, name }), ...change }))
    }
    show({ pending: true })
    read(provided.getClient().api, abort.signal).then(
      (data) => show({ data, pending: false, error: null }),
      (error: unknown) => show({ pending: false, error: asRunnelError(error) }),
    )
    return () => abort.abort()
  }, [provided, name, round])
  const { data, pending, error } = state.name === name ? state : nothing
  const reload = useCallback(() => setRound((last) => last + 1), [])
  const isWaiting = error !== null && (error.retryable || error.code === 'unauthenticated')
  useEffect(() => {
    if (isWaiting) return onOpened(provided.getClient().connection, reload)
  }, [provided, isWaiting, reload])
  return { data, pending, error, reload }
}

/** The whole text of a question. A chat lists long questions shortened, so they are read once they are shown. */
export function useQuestion(message: ChatMessage): Question & Pick<Reading<Question>, 'pending' | 'error'> {
  const provided = useProvided()
  const [read, setRead] = useState<{ id: string; question?: Question; error?: RunnelError } | null>(null)
  const mine = read?.id === message.id ? read : null
  const known = message.shortened ? (mine?.question ?? provided.find(false)?.questions.known(message)) : message
  useEffect(() => {
    if (known || mine?.error) return
    let isShown = true
    const { id } = message
    provided
      .getClient()
      .questions.read(message)
      .then(
        (question) => isShown && setRead({ id, question }),
        (error: unknown) => isShown && setRead({ id, error: asRunnelError(error) }),
      )
    return () => {
      isShown = false
    }
  }, [provided, message, known, mine])
  return {
    text: known?.text ?? message.text ?? '',
    files: known?.files ?? message.files ?? [],
    pending: !known && !mine?.error,
    error: mine?.error ?? null,
  }
}

import type { Client, ConnectOptions } from '../index.ts'
import type { InitialState } from './initial.ts'
import { Provided } from './provided.ts'
import {
  createContext,
  createElement,
  useContext,
  useEffect,
  useMemo,
  useState,
  type ReactElement,
  type ReactNode,
} from './react.ts'

const Context = createContext<Provided | null>(null)

export interface RunnelProviderProps {
  /** Your own client, which stays open when the provider is unmounted. */
  client?: Client | undefined
  /** Or options for the provider's own client, which is closed with it. They are read once; give another `key` for a new client. */
  options?: ConnectOptions | undefined
  /** What is shown until live data arrives: the result of `readInitialState` on the server. Read once. */
  initial?: InitialState | undefined
  children?: ReactNode
}

/** Gives a connection to all hooks below it. */
export function RunnelProvider({ client, options, initial, children }: RunnelProviderProps): ReactElement {
  const [once] = useState({ options: options ?? {}, initial: initial ?? {} })
  const provided = useMemo(() => new Provided(client, once.options, once.initial), [client, once])
  useEffect(provided.hold, [provided])
  return createElement(Context.Provider, { value: provided }, children)
}

export function useProvided(): Provided {
  const provided = useContext(Context)
  if (!provided) throw new Error('Runnel’s hooks work below a <RunnelProvider>.')
  return provided
}

/** The client, for everything that no hook does: `client.api`, `client.connection.retry()`. */
export function useClient(): Client {
  return useProvided().getClient()
}

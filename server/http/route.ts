import type { Request, Response } from 'express'
import type { z } from 'zod'
import type { Role } from '../../shared/protocol.ts'
import type { Identity } from '../auth/auth.ts'
import type { Services } from './services.ts'

/** A body by one schema is JSON; by a table it has one of several media types. Null: none. */
export type Content = z.ZodType | Readonly<Record<string, z.ZodType>> | null

/** What is known of a route without calling it: express, `/openapi.json` and the access matrix of the tests are made of it. */
export interface RouteDescription {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  /** In the words of express: `/api/chats/:chatId`. */
  readonly path: string
  /** Anybody, anybody who is signed in, or who has this role in the chat that the request is about. */
  readonly access: 'open' | 'signedIn' | Role
  /** `signedIn`: a guest who came by an invite may, too. */
  readonly guests?: boolean
  /** A member of any role may do it to itself, or for itself. */
  readonly self?: boolean
  /** Its errors have the shape of the OpenAI API: what lies under `/v1`. */
  readonly openAiErrors?: boolean
  /** Its body has a limit of its own, and is parsed as it comes. */
  readonly largeBody?: boolean
  /** What its last parameter names may hold slashes. */
  readonly slashes?: boolean
  /** Headers of its own: what they mean. */
  readonly headers?: Readonly<Record<string, string>>
  /** What it does to something that has begun waits for a store that is away; without this it is refused at once. */
  readonly waits?: boolean
  /** Takes an `Idempotency-Key`. */
  readonly repeatable?: boolean
  readonly summary: string
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  /** A `multipart/form-data` body; its file is `file`. */
  readonly form?: z.ZodType
  /** Its body is frames: bytes, as the route reads them. */
  readonly frames?: boolean
  /** By status. The statuses of the errors that every such route has are added (`openapi.ts`). */
  readonly responses: Readonly<Record<number, Content>>
  /** Statuses of errors of its own. */
  readonly errors?: readonly number[]
}

/** One request, checked: the caller may do this to the subject, query and body are as the schemas say. */
export interface Call<Subject, Query, Body> {
  readonly request: Request
  readonly response: Response
  readonly identity: Identity
  readonly params: Readonly<Record<string, string>>
  readonly subject: Subject
  readonly query: Query
  readonly body: Body
  /** The body of a route that takes frames. */
  readonly bytes: Uint8Array
}

/** Who asks for what: a finder looks up what the path names, and checks the role. */
export interface Target {
  readonly identity: Identity
  readonly params: Readonly<Record<string, string>>
  readonly needed: Role
}

/** Throws `not_found`, `forbidden`. */
export type Find<Subject> = (target: Target, services: Services) => Promise<Subject>

export interface Route extends RouteDescription {
  /** What the path names. A route with a role and no finder checks the role itself. */
  readonly of?: Find<unknown>
  /** Answers through `response`. */
  handle(call: Call<unknown, unknown, unknown>, services: Services): Promise<void> | void
}

interface TypedRoute<Subject, Query extends z.ZodType, Body extends z.ZodType> extends RouteDescription {
  readonly of?: Find<Subject>
  readonly query?: Query
  readonly body?: Body
  handle(call: Call<Subject, z.output<Query>, z.output<Body>>, services: Services): Promise<void> | void
}

/** A row of the table, its handler typed by its finder and its schemas. */
export function route<
  Subject = undefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
>(row: TypedRoute<Subject, Query, Body>): Route {
  return row
}

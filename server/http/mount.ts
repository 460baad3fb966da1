import type { Express, Request, RequestHandler, Response } from 'express'
import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import { isAway } from '../waiting/patience.ts'
import { bytesReader, jsonReader } from './body.ts'
import { caller, signedIn } from './caller.ts'
import { keepHeaders, restoreHeaders } from './kept-headers.ts'
import type { Services } from './services.ts'
import type { Route } from './route.ts'
import { validate } from './validate.ts'

/** Makes the table's routes answer; other methods on their paths are 405. */
export function mountRoutes(app: Express, table: readonly Route[], services: Services): void {
  const readers = { json: jsonReader(services.maxBodyBytes), bytes: bytesReader(services.maxFrameBytes) }
  for (const row of table) app[row.method](expressPath(row), handlerOf(row, services, readers))
  for (const [path, methods] of methodsByPath(table)) app.all(path, refuseMethod(methods))
}

/** A last parameter that may hold slashes is a wildcard to express, which gives its parts. */
function expressPath({ path, slashes }: Route): string {
  return slashes ? path.replace(/:(\w+)$/, '*$1') : path
}

function paramsOf({ params }: Request): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, Array.isArray(value) ? value.join('/') : value]),
  )
}

/** Who calls and may he, then what is asked: a stranger learns nothing of a body that is wrong. */
function handlerOf(
  row: Route,
  services: Services,
  readers: { json: ReturnType<typeof jsonReader>; bytes: ReturnType<typeof bytesReader> },
) {
  const { access } = row
  const ownServices = row.waits ? { ...services, ...services.waiting } : services
  return async (request: Request, response: Response): Promise<void> => {
    const params = paramsOf(request)
    const identity = access === 'signedIn' && row.guests !== true ? signedIn(response) : caller(response)
    const find = async (services: Services) =>
      access === 'open' || access === 'signedIn'
        ? undefined
        : await row.of?.({ identity, params, needed: access }, services)
    const subject = await find(ownServices)
    const query = row.query && validate(row.query, request.query)
    const read = async () =>
      row.largeBody
        ? await services.doorBodies.read(request, response, identity.user.id)
        : await readers.json(request, response)
    const body = row.body && validate(row.body, await read())
    const bytes = row.frames ? await readers.bytes(request, response) : new Uint8Array(0)
    keepHeaders(response)
    try {
      await row.handle({ request, response, identity, params, subject, query, body, bytes }, ownServices)
    } catch (error) {
      restoreHeaders(response)
      // What another node has deleted meanwhile could not be written, either, and is not to be tried again.
      if (isAway(error) && !response.headersSent && row.method !== 'delete') await find(services).catch(throwIfGone)
      throw error
    }
  }
}

function throwIfGone(error: unknown): void {
  if (isRunnelError(error) && error.code === 'not_found') throw error
}

function methodsByPath(table: readonly Route[]): Map<string, string[]> {
  const methods = new Map<string, string[]>()
  for (const row of table) {
    const { method } = row
    const path = expressPath(row)
    methods.set(path, [...(methods.get(path) ?? []), ...(method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()])])
  }
  return methods
}

function refuseMethod(methods: readonly string[]): RequestHandler {
  const allow = methods.join(', ')
  return (request, response) => {
    response.set('Allow', allow)
    throw new RunnelError('method_not_allowed', `${request.method} is not possible here; ${allow} is.`)
  }
}

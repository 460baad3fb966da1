import cors from 'cors'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { Origins } from '../auth/origins.ts'

/** Refuses foreign hosts and origins; lets pages of the allowed origins call (CORS), and answers what their browsers ask first. */
export function crossOrigin(origins: Origins, headers: 'own headers' | 'any header' = 'own headers'): RequestHandler {
  const allow = cors({
    origin: [...origins.allowed],
    methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
    // SDKs send a dozen of their own; without a list the browser's question is the answer.
    ...(headers === 'own headers' && {
      allowedHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'Last-Event-ID'],
    }),
    exposedHeaders: ['X-Runnel-Message-Id', 'X-Runnel-Chat-Id', 'X-Runnel-Task-Id', 'Retry-After'],
    maxAge: 600,
    optionsSuccessStatus: 204,
  })
  return (request: Request, response: Response, next: NextFunction) => {
    origins.check(request)
    // An OPTIONS that no browser sends is a method like others.
    if (request.method === 'OPTIONS' && request.get('access-control-request-method') === undefined) return next()
    allow(request, response, next)
  }
}

/** Headers of one answer that pages of other origins may read, too. */
export function exposeHeaders(response: Response, ...names: string[]): void {
  if (response.hasHeader('Access-Control-Expose-Headers')) response.append('Access-Control-Expose-Headers', names)
}

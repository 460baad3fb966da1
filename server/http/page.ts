import { existsSync, readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import express, { type RequestHandler, type Response } from 'express'
import { encodingFor, type Encoding } from './encoding.ts'

/** What the build puts there has its content's hash in its name. */
const assets = '/assets/'

/** By the ending of a file that the build has compressed. */
const encodings = new Map<string, Encoding>(Object.entries({ '.br': 'br', '.gz': 'gzip' }))

/** The page as it was built: its assets for ever and compressed, what names them asked for anew each time. */
export function servePage(folder: string): RequestHandler[] {
  const compressed = new Set(
    existsSync(join(folder, assets)) ? readdirSync(join(folder, assets), { recursive: true }).map(String) : [],
  )
  const choose: RequestHandler = (request, _response, next) => {
    const name = request.path.slice(assets.length)
    if (request.path.startsWith(assets)) {
      const wanted = encodingFor(request)
      const ending = wanted && [...encodings.keys()].find((ending) => encodings.get(ending) === wanted)
      if (ending !== undefined && compressed.has(name + ending)) request.url = assets + name + ending
    }
    next()
  }
  return [
    choose,
    express.static(folder, {
      index: 'index.html',
      setHeaders: (response, path) => setHeaders(response as Response, path.slice(folder.length)),
    }),
  ]
}

/**
 * What draws the diagrams of answers, in a frame of the page. It reads what others wrote, so it has an origin of its own and no
 * way to anything but the scripts of the build; its drawings need styles of their own.
 */
const diagramPolicy = [
  'sandbox allow-scripts',
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ')

/** Called for what is there alone: that there is none is nothing for ever. */
function setHeaders(response: Response, path: string): void {
  const name = path.replaceAll('\\', '/').replace(/^\/?/, '/')
  if (name === '/diagram.html') {
    response.set('Content-Security-Policy', diagramPolicy)
    // `frame-ancestors` says it; the older header knows no "by this page alone" that holds for a frame in a sandbox.
    response.removeHeader('X-Frame-Options')
    // It has no origin to keep apart.
    response.removeHeader('Origin-Agent-Cluster')
  }
  if (!name.startsWith(assets)) return void response.set('Cache-Control', 'no-cache')
  response.set({
    'Cache-Control': 'public, max-age=31536000, immutable',
    Vary: 'Accept-Encoding',
    // The frame of the diagrams has an origin of its own. What the build made is no secret.
    'Access-Control-Allow-Origin': '*',
  })
  const encoding = encodings.get(extname(path))
  if (encoding === undefined) return
  response.set('Content-Encoding', encoding)
  response.type(extname(path.slice(0, -extname(path).length)))
}

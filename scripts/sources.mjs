// Loaded into the server by `npm start`: a configuration module here says `@runnel/core/…` as it does anywhere else, and means
// the sources that run, which may not be built and must not be there twice.
import { registerHooks } from 'node:module'
import { sourceOf } from './own-packages.mjs'

registerHooks({
  resolve: (specifier, context, nextResolve) => nextResolve(sourceOf(specifier) ?? specifier, context),
})

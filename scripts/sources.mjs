// Loaded into the server by `npm start`: a configuration module here says `@runnel/core/…` as it does anywhere else, and means
// the sources that run, which may not be built and must not be there twice.
import { registerHooks } from 'node:module'

const root = new URL('../', import.meta.url)

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const part = /^@runnel\/core\/(server|client|client\/markdown|client\/pieces|testing)$/.exec(specifier)?.[1]
    return nextResolve(
      part === undefined ? specifier : new URL(part === 'client/pieces' ? `${part}.ts` : `${part}/index.ts`, root).href,
      context,
    )
  },
})

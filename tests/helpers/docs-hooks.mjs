// Loaded before a page's example: what the package exports are the sources here, and other packages are the project's.
import { registerHooks } from 'node:module'

const root = new URL('../../', import.meta.url)

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const part = /^@runnel\/core\/(server|client|client\/markdown|client\/pieces|testing)$/.exec(specifier)?.[1]
    if (part !== undefined)
      return nextResolve(new URL(part === 'client/pieces' ? `${part}.ts` : `${part}/index.ts`, root).href, context)
    const isPackage = !/^(\.|\/|node:|file:)/.test(specifier)
    return nextResolve(
      specifier,
      isPackage && !context.parentURL?.includes('/node_modules/') ? { ...context, parentURL: root.href } : context,
    )
  },
})

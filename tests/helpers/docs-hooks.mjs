// Loaded before a page's example: what our packages export are the sources here, and other packages are the project's.
import { registerHooks } from 'node:module'
import { sourceOf } from '../../scripts/own-packages.mjs'

const root = new URL('../../', import.meta.url)

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const source = sourceOf(specifier)
    if (source !== null) return nextResolve(source, context)
    const isPackage = !/^(\.|\/|node:|file:)/.test(specifier)
    return nextResolve(
      specifier,
      isPackage && !context.parentURL?.includes('/node_modules/') ? { ...context, parentURL: root.href } : context,
    )
  },
})

import type { Plugin, Rolldown } from 'vite'

/** What is larger than this and loaded later is brought when it is needed: it is no part of the shell. */
const mostBytes = 200_000

/**
 * Writes into the page's worker which files the shell is: what the page loads, and what its own code loads later, each with its
 * styles. What other packages load for themselves is kept once it has been used.
 */
export function shellOfPage(): Plugin {
  return {
    name: 'shell-of-page',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const page = bundle['index.html']
        const worker = bundle['worker.js']
        if (page?.type !== 'asset' || worker?.type !== 'chunk') throw new Error('The page is built without its worker.')
        const files = filesOf(String(page.source), bundle)
        const code = worker.code.replace(/(["'`])__SHELL__\1/, () => JSON.stringify(JSON.stringify(files)))
        if (code === worker.code) throw new Error('The worker has no place for the files of the shell.')
        worker.code = code
      },
    },
  }
}

function filesOf(html: string, bundle: Rolldown.OutputBundle): string[] {
  const files = new Set<string>()
  const take = (name: string, isLater: boolean) => {
    const file = bundle[name]
    if (!file || files.has(name)) return
    if (file.type === 'asset') return void files.add(name)
    if (isLater && file.code.length > mostBytes) return
    files.add(name)
    for (const style of file.viteMetadata?.importedCss ?? []) files.add(style)
    for (const needed of file.imports) take(needed, isLater)
    for (const later of file.dynamicImports) if (isOwn(bundle[later])) take(later, true)
  }
  for (const [, name] of html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)) take(name!, false)
  return [...files].sort()
}

function isOwn(file: Rolldown.OutputAsset | Rolldown.OutputChunk | undefined): boolean {
  const path = file?.type === 'chunk' ? (file.facadeModuleId ?? '') : ''
  return path !== '' && !path.includes('/node_modules/')
}

import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { readSource } from './imports.ts'

/** A file of a package, JavaScript or types. */
export interface PackageFile {
  /** From the root of the project: `dist/client/index.js`. */
  path: string
  text: string
  /** The modules that it names, other than files beside it. */
  imports: string[]
}

/** The JavaScript of a folder. */
export function codeBelow(root: string, folder: string): string[] {
  return globSync(`${folder}/**/*.js`, { cwd: root }).map((file) => file.replaceAll('\\', '/'))
}

/**
 * What `starts` import, and what that imports; JavaScript finds JavaScript, and types find types. `elsewhere` names the module
 * where a file is to be had that is not in this package; whoever imports it, imports that.
 */
export function reach(
  root: string,
  starts: readonly string[],
  elsewhere: (path: string) => string | null,
): PackageFile[] {
  const found = new Map<string, PackageFile>()
  const walk = (path: string) => {
    if (found.has(path)) return
    const file: PackageFile = { path, text: readFileSync(join(root, path), 'utf8'), imports: [] }
    found.set(path, file)
    for (const { specifier } of readSource(path, file.text).imports) {
      if (specifier === null) continue
      if (!specifier.startsWith('.')) {
        file.imports.push(specifier)
        continue
      }
      const target = posix.join(posix.dirname(path), specifier)
      const module = elsewhere(target)
      if (module === null) walk(path.endsWith('.d.ts') ? typesOf(root, target) : target)
      else {
        file.imports.push(module)
        for (const quote of ["'", '"'])
          file.text = file.text.replaceAll(quote + specifier + quote, quote + module + quote)
      }
    }
  }
  for (const start of starts) walk(posix.normalize(start))
  return [...found.values()]
}

function typesOf(root: string, target: string): string {
  const types = target.replace(/(\.d)?\.[jt]s$/, '.d.ts')
  if (!existsSync(join(root, types))) throw new Error(`${types} is not there.`)
  return types
}

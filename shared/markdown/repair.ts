import { anyTagAt, commentEnd, isHalf } from './tags.ts'

/**
 * What the end of a growing text most likely becomes. Without it a mark would
 * be seen as itself for a moment before it becomes bold, a link or a table.
 */

/** What quotes and list items put before a line. */
const containers = /^(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*/
/** Whether it is a rule, an item, a heading's underline, a table's delimiters or a fence is known at the next character or line. */
const undecided =
  /^(?:[-+*]|\d{1,3}[.)]?|=+|(?:[-*_][ \t]*)+|#{1,6}|>|`+|~+|(?:`{3,}|~{3,})[^`\n]*|[|:][-:| \t]*|\[(?!\^)[^\]]*\]:.*|\[\^[^\]]*\]?:?|\$\$?|\\\[?)[ \t]*$/
const undecidedTask = /^\[(?:[ xX]?|[ xX]\])[ \t]*$/
/** A longer line is no mark. */
const maxLine = 400

/** The end of `text` that is not shown yet: its last line, while nothing can be said of it. */
export function undecidedEnd(text: string): number {
  const end = text.slice(-maxLine - 1)
  const line = end.slice(end.lastIndexOf('\n') + 1)
  if (line === '' || line.length > maxLine) return text.length
  const start = text.length - line.length
  const before = containers.exec(line)![0]
  const rest = line.slice(before.length)
  const isUndecided =
    rest === ''
      ? before.trim() !== ''
      : undecided.test(rest) ||
        (rest.startsWith('<') && isHalf(rest, 0)) ||
        (/[-+*.)][ \t]+$/.test(before) && undecidedTask.test(rest))
  return isUndecided ? start : text.length
}

/** HTML without the tag or comment that is not whole yet. */
export function withoutHalfTag(html: string): string {
  for (let at = html.indexOf('<!--'); at !== -1;) {
    const end = commentEnd(html, at)
    if (end === -1) return html.slice(0, at)
    at = html.indexOf('<!--', Math.max(end, at + 1))
  }
  const at = html.lastIndexOf('<')
  return at !== -1 && isHalf(html, at) ? html.slice(0, at) : html
}

/** A row of delimiters for a line that begins a table, as far as it has come; null if it does not. */
export function tableOf(line: string): string | null {
  const row = line.trim()
  if (!/^\|[^\n]*$/.test(row) || row.length > maxLine * 10) return null
  const cells = row
    .replace(/\\./g, '')
    .replace(/^\||\|$/g, '')
    .split('|').length
  return `${row}\n|${'-|'.repeat(cells)}`
}

/** Inline text with what is open at its end closed, and what has no meaning yet left out. */
export function repairInline(text: string): string {
  const whole = text.replace(/(?:&(?:#[xX]?[0-9a-fA-F]{0,6}|[a-zA-Z]{1,8})?|\\|(?<=^|\s)!)$/, '')
  return new Repair(whole).result()
}

interface Open {
  mark: string
  at: number
}

class Repair {
  #text: string
  readonly #open: Open[] = []

  constructor(text: string) {
    this.#text = text
  }

  result(): string {
    let at = 0
    while (at < this.#text.length) at = this.#step(at)
    return this.#closed()
  }

  /** Reads what stands at `at`; returns where to go on. */
  #step(at: number): number {
    switch (this.#text[at]) {
      case '\\':
        return at + 2
      case '`':
        return this.#code(at)
      case '$':
        return this.#math(at)
      case '<':
        return this.#tag(at)
      case '!':
        return this.#text[at + 1] === '[' ? this.#link(at, at + 1) : at + 1
      case '[':
        return this.#link(at, at)
      case '*':
      case '_':
      case '~':
        return this.#emphasis(at)
      default:
        return at + 1
    }
  }

  #cut(at: number): number {
    this.#text = this.#text.slice(0, at)
    return at
  }

  #run(at: number): string {
    let end = at
    while (this.#text[end] === this.#text[at]) end += 1
    return this.#text.slice(at, end)
  }

  #code(at: number): number {
    const run = this.#run(at)
    const start = at + run.length
    for (let next = this.#text.indexOf('`', start); next !== -1;) {
      const other = this.#run(next)
      if (other.length === run.length) return next + run.length
      // The closing mark comes piece by piece.
      if (next + other.length === this.#text.length && other.length < run.length) {
        this.#cut(next)
        break
      }
      next = this.#text.indexOf('`', next + other.length)
    }
    const content = this.#text.slice(start)
    if (content.trim() === '') return this.#cut(at)
    // A space keeps a mark at its end apart; one on each side is no part of the code.
    this.#text = content.startsWith('`') || content.endsWith('`') ? `${this.#text} ${run}` : this.#text + run
    return this.#text.length
  }

  #math(at: number): number {
    const mark = this.#text.startsWith('$$', at) ? '$$' : '$'
    const start = at + mark.length
    const end = this.#text.indexOf(mark, start)
    if (end !== -1) return end + mark.length
    const content = this.#text.slice(start)
    if (mark === '$$' && content.trim() === '') return this.#cut(at)
    if (mark === '$' && !(/^\S/.test(content) && /[\\^_{=]/.test(content))) return start
    this.#text = `${this.#text.replace(/[\s\\$]+$/, '')}${mark}`
    return this.#text.length
  }

  #tag(at: number): number {
    const comment = commentEnd(this.#text, at)
    if (comment > 0) return comment
    if (isHalf(this.#text, at)) return this.#cut(at)
    const address = /^<[a-zA-Z][a-zA-Z0-9+.-]*:[^\s<>]*>/.exec(this.#text.slice(at))
    return at + (address?.[0].length ?? (anyTagAt(this.#text, at).length || 1))
  }

  /** `at`: where it begins, with its `!`; `bracket`: its bracket. */
  #link(at: number, bracket: number): number {
    const isImage = bracket > at
    const end = this.#closing(bracket, '[', ']')
    const inner = () => this.#text.slice(bracket + 1, end === -1 ? undefined : end)
    if (end === -1) {
      if (isImage || this.#text[bracket + 1] === '^') return this.#cut(at)
      // Its text, as far as it has come.
      this.#text = this.#text.slice(0, at) + inner()
      return at
    }
    const next = this.#text[end + 1]
    const isOpen =
      next === undefined
        ? isImage || !/^(?:[\d^]|[ xX]$)/.test(inner())
        : next === '('
          ? this.#closing(end + 1, '(', ')') === -1
          : next === '[' && this.#closing(end + 1, '[', ']') === -1
    if (!isOpen) return next === '(' ? this.#closing(end + 1, '(', ')') + 1 : bracket + 1
    if (isImage) return this.#cut(at)
    this.#text = this.#text.slice(0, at) + inner()
    return at
  }

  #closing(at: number, open: string, close: string): number {
    let depth = 0
    for (let i = at; i < this.#text.length; i++) {
      const unit = this.#text[i]
      if (unit === '\\') i += 1
      else if (unit === open) depth += 1
      else if (unit === close && --depth === 0) return i
    }
    return -1
  }

  #emphasis(at: number): number {
    const run = this.#run(at)
    const end = at + run.length
    const before = this.#text[at - 1] ?? ' '
    const after = this.#text[end]
    const isWord = (unit: string) => /[\p{L}\p{N}]/u.test(unit)
    const mayClose = /\S/.test(before) && (run[0] !== '_' || after === undefined || !isWord(after))
    if (mayClose && this.#open.some(({ mark }) => mark[0] === run[0])) {
      let left = run.length
      for (
        let top = this.#open.at(-1);
        top && left > 0 && this.#open.some(({ mark }) => mark[0] === run[0]);
        top = this.#open.at(-1)
      ) {
        if (top.mark[0] !== run[0]) {
          this.#open.pop()
          continue
        }
        // Half of its closing mark: the other half is to come.
        if (top.mark.length > left) {
          if (after === undefined) this.#cut(end - left)
          break
        }
        left -= top.mark.length
        this.#open.pop()
      }
      return end
    }
    if (after === undefined) return this.#cut(at)
    if (
      /\s/.test(after) ||
      (run[0] === '_' && isWord(before)) ||
      run.length > 3 ||
      (run[0] === '~' && run.length !== 2)
    )
      return end
    for (const mark of run.length === 3 ? [run.slice(0, 2), run[0]!] : [run]) this.#open.push({ mark, at })
    return end
  }

  #closed(): string {
    let text = this.#text
    // Marks around nothing.
    while (this.#open.length > 0 && /^[*_~\s]*$/.test(text.slice(this.#open.at(-1)!.at)))
      text = text.slice(0, this.#open.pop()!.at)
    if (this.#open.length === 0) return text
    const words = text.trimEnd()
    return (
      words +
      this.#open
        .map(({ mark }) => mark)
        .reverse()
        .join('') +
      text.slice(words.length)
    )
  }
}

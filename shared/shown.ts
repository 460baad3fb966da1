/**
 * What a person sees of a block, in terms that every form of a message (text,
 * Markdown, HTML) knows how to write. Plain data: it crosses to other threads.
 */
export type Shown =
  /** Markdown of the model, in the flow of the answer. */
  | { kind: 'prose'; text: string }
  /** Markdown that is folded away; plain text leaves it out. */
  | { kind: 'thoughts'; title: string; text: string }
  /** Named texts for programs, folded away; plain text has the title. */
  | { kind: 'facts'; title: string; parts: [name: string, value: string][] }
  /** Something that lies elsewhere. Without a title its address is read. */
  | { kind: 'reference'; label: string; title?: string; url?: string; details?: string; quote?: string }
  /** What happens now. */
  | { kind: 'passing'; text: string }
  | { kind: 'fault'; message: string }

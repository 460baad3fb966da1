/** Some characters of one kind: a class of highlight.js, or none. */
export interface Token {
  readonly kind: string
  readonly text: string
}

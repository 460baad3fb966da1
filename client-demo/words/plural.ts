/** `{one: '1 chat', other: '5 chats'}` by the rules of a language. */
export function pluralsOf(language: string): (count: number, forms: { one: string; other: string }) => string {
  const rules = new Intl.PluralRules(language)
  return (count, { one, other }) => (rules.select(count) === 'one' ? one : other)
}

/** Light or dark: the person's choice, or else the system's. */
export type Scheme = 'light' | 'dark'

const key = 'runnel-scheme'

export function chosenScheme(): Scheme | null {
  const chosen = localStorage.getItem(key)
  return chosen === 'light' || chosen === 'dark' ? chosen : null
}

export function chooseScheme(scheme: Scheme | null): void {
  if (scheme === null) localStorage.removeItem(key)
  else localStorage.setItem(key, scheme)
  showScheme()
}

/** The style sheet does the rest. */
export function showScheme(): void {
  const scheme = chosenScheme()
  const { dataset } = document.documentElement
  if (scheme === null) delete dataset['scheme']
  else dataset['scheme'] = scheme
}

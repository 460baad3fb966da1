/** Everything that a person reads: one object of words for each language, one file for each area. */
import { useSyncExternalStore } from 'react'
import { en, type Words } from './en.ts'

export type { Words }
export type Language = 'en' | 'de'

const languages: Record<Language, () => Promise<Words>> = {
  en: () => Promise.resolve(en),
  de: () => import('./de.ts').then(({ de }) => de),
}
const key = 'runnel-language'
const listeners = new Set<() => void>()
let words: Words = en

/** The words of the chosen language, or else of the browser's. */
export function useWords(): Words {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => words,
  )
}

/** The same outside of rendering. */
export const wordsNow = (): Words => words

/** Null: the browser's. */
export function chosenLanguage(): Language | null {
  const chosen = localStorage.getItem(key)
  return chosen === 'en' || chosen === 'de' ? chosen : null
}

export async function chooseLanguage(language: Language | null): Promise<void> {
  if (language === null) localStorage.removeItem(key)
  else localStorage.setItem(key, language)
  await bringLanguage()
}

export async function bringLanguage(): Promise<void> {
  const spoken = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag === 'en' || tag === 'de')
  const language = chosenLanguage() ?? (spoken as Language | undefined) ?? 'en'
  words = await languages[language]()
  document.documentElement.lang = language
  for (const listener of listeners) listener()
}

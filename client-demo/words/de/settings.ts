import type { settings as en } from '../en/settings.ts'

export const settings: typeof en = {
  title: 'Einstellungen dieses Chats',
  system: 'Anweisungen',
  systemNote:
    'Das Modell erhält sie vor jeder Frage in diesem Chat. Alle, die hier schreiben dürfen, können sie lesen und ändern.',
  asTheModel: 'Vorgabe des Modells',
  fields: {
    temperature: { name: 'Temperatur', note: '0 bis 2. Niedrig: immer dieselbe Antwort; hoch: mehr Abwechslung.' },
    topP: { name: 'Top p', note: 'Über 0, bis 1. Niedriger: nur die wahrscheinlichsten Wörter.' },
    mostTokens: { name: 'Längste Antwort', note: 'In Token; 1.000 sind etwa 750 Wörter.' },
    effort: { name: 'Nachdenken', note: 'Wie lange ein Modell, das das kann, nachdenken darf.' },
    rest: { name: 'Als JSON', note: 'Geht so, wie es ist, an den Anbieter.' },
  },
  efforts: { minimal: 'Kaum', low: 'Kurz', medium: 'Mittel', high: 'Lange' },
  faults: {
    temperature: 'Geben Sie eine Zahl von 0 bis 2 ein, oder lassen Sie das Feld leer.',
    topP: 'Geben Sie eine Zahl über 0 und bis 1 ein, oder lassen Sie das Feld leer.',
    mostTokens: 'Geben Sie eine ganze Zahl über 0 ein, oder lassen Sie das Feld leer.',
    effort: 'Wählen Sie eines davon.',
    rest: 'Das ist kein JSON-Objekt. Es sieht so aus: { "seed": 7 }.',
  },
  more: 'Weitere Parameter',
  save: 'Speichern',
}

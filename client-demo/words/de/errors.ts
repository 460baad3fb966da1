import type { errors as en } from '../en/errors.ts'

export const errors: typeof en = {
  byCode: {
    internal: 'Der Server ist nicht erreichbar. Prüfen Sie die Verbindung und versuchen Sie es noch einmal.',
  },
}

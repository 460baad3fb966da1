export const app = {
  skip: 'Zum Textfeld',
  cancel: 'Abbrechen',
  close: 'Schließen',
  undo: 'Rückgängig',
  retry: 'Noch einmal versuchen',
  loading: 'Wird geladen',
  copy: 'Kopieren',
  copied: 'Kopiert',
  more: 'Mehr',
  clear: 'Leeren',
  you: 'Sie',
}

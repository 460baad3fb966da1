export const conversation = {
  label: 'Gespräch',
  older: 'Ältere Nachrichten zeigen',
  greeting: 'Was möchten Sie wissen?',
  regenerate: 'Noch einmal',
  continue: 'Weiter',
}

export const markdown = {
  code: 'Code',
  wrap: 'Lange Zeilen umbrechen',
  table: 'Tabelle',
  copyTable: 'Tabelle kopieren',
  forSpreadsheet: 'Für eine Tabellenkalkulation kopieren',
  asMarkdown: 'Als Markdown kopieren',
  diagram: 'Diagramm',
  showSource: 'Quelltext zeigen',
  showPicture: 'Bild zeigen',
  diagramFailed: 'Dieses Diagramm lässt sich nicht zeichnen. Dies ist sein Quelltext.',
}

export const markdown = {
  code: 'Code',
  wrap: 'Wrap long lines',
  table: 'Table',
  copyTable: 'Copy table',
  forSpreadsheet: 'Copy for a spreadsheet',
  asMarkdown: 'Copy as Markdown',
  diagram: 'Diagram',
  showSource: 'Show source',
  showPicture: 'Show picture',
  diagramFailed: 'This diagram could not be drawn. This is its source.',
}

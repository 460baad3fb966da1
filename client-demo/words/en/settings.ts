export const settings = {
  title: 'Settings of this chat',
  system: 'Instructions',
  systemNote:
    'The model gets these before every question in this chat. Everyone who may write here can read and change them.',
  asTheModel: 'The model’s default',
  fields: {
    temperature: { name: 'Temperature', note: '0 to 2. Low: the same answer again; high: more varied.' },
    topP: { name: 'Top p', note: 'Above 0, up to 1. Lower: only the most likely words.' },
    mostTokens: { name: 'Longest answer', note: 'In tokens; 1,000 are about 750 words.' },
    effort: { name: 'Thinking', note: 'How long a model that can think may do so.' },
    rest: { name: 'As JSON', note: 'Passed on to the provider as it is.' },
  },
  efforts: { minimal: 'Hardly', low: 'Short', medium: 'Medium', high: 'Long' },
  faults: {
    temperature: 'Enter a number from 0 to 2, or leave it empty.',
    topP: 'Enter a number above 0 and up to 1, or leave it empty.',
    mostTokens: 'Enter a whole number above 0, or leave it empty.',
    effort: 'Choose one of these.',
    rest: 'This is not a JSON object. One looks like this: { "seed": 7 }.',
  },
  more: 'Other parameters',
  save: 'Save',
}

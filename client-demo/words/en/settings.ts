export const settings = {
  title: 'Settings of this chat',
  system: 'Instructions',
  systemNote: 'Said to the model before every question of this chat. All who write here can read and change it.',
  asTheModel: 'The model’s default',
  fields: {
    temperature: { name: 'Temperature', note: '0 to 2. Low: the same answer again; high: more varied.' },
    topP: { name: 'Top p', note: 'Above 0, up to 1. Lower: only the likeliest words.' },
    mostTokens: { name: 'Longest answer', note: 'In tokens; 1,000 are about 750 words.' },
    effort: { name: 'Thinking', note: 'How long a model that can think may do so.' },
    rest: { name: 'As JSON', note: 'Passed on to the provider as it is.' },
  },
  efforts: { minimal: 'Hardly', low: 'Short', medium: 'Medium', high: 'Long' },
  faults: {
    temperature: 'Give a number from 0 to 2, or nothing.',
    topP: 'Give a number above 0 and up to 1, or nothing.',
    mostTokens: 'Give a whole number above 0, or nothing.',
    effort: 'Choose one of these.',
    rest: 'This is no JSON object. It looks like { "seed": 7 }.',
  },
  more: 'Other parameters',
  save: 'Save',
}

export const conversation = {
  label: 'Conversation',
  older: 'Show older messages',
  greeting: 'What would you like to know?',
  regenerate: 'Try again',
  continue: 'Continue',
}

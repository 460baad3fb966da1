export const signIn = {
  title: 'Bei Runnel anmelden',
  endedTitle: 'Erneut anmelden',
  endedText: 'Ihre Anmeldung ist abgelaufen. Was Sie geschrieben haben, bleibt erhalten.',
  atProgram:
    'Das Programm, das diese Seite zeigt, hat Sie nicht angemeldet. Melden Sie sich dort an und versuchen Sie es erneut.',
  token: 'Zugangstoken',
  tokenHint: 'Sie erhalten es von der Person, die diesen Server betreibt.',
  signIn: 'Anmelden',
  trouble: {
    nobody: 'Dieses Token ist nicht oder nicht mehr gültig. Bitten Sie um ein neues.',
    unknown: 'Der Server ist nicht erreichbar. Prüfen Sie Ihre Verbindung und versuchen Sie es erneut.',
  },
  refused: {
    invalid: 'Der Anmeldelink ist nicht mehr gültig. Sie bleiben angemeldet wie zuvor.',
    unchecked: 'Der Anmeldelink konnte nicht geprüft werden. Sie bleiben angemeldet wie zuvor.',
  },
  askTitle: 'Als jemand anderes anmelden?',
  askText: (from: string | null, to: string) =>
    `Sie sind als ${from ?? 'jemand anderes'} angemeldet. Der geöffnete Link würde Sie als ${to} anmelden. Diese Person könnte dann lesen, was Sie schreiben.`,
  signInAs: (name: string) => `Als ${name} anmelden`,
  stay: (name: string | null) => (name === null ? 'Angemeldet bleiben' : `${name} bleiben`),
  signOut: 'Abmelden',
  localUser: 'Sie, an diesem Computer',
  invitation: 'Einladung',
  invited: 'Sie sind zu einem Chat eingeladen',
  invitedTo: (title: string) =>
    title === '' ? 'Sie sind zu einem Chat eingeladen' : `Sie sind zu „${title}“ eingeladen`,
  mayRead: 'Sie dürfen diesen Chat lesen.',
  mayWrite: 'Sie dürfen diesen Chat lesen und darin schreiben.',
  invalidInvite: 'Diese Einladung ist nicht mehr gültig. Bitten Sie um eine neue.',
  notNow: 'Jetzt nicht',
  joinAs: (name: string | null) => (name === null ? 'Beitreten' : `Als ${name} beitreten`),
}

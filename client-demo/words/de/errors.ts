import { errors as en } from '../en/errors.ts'

export const errors: typeof en = {
  byCode: {
    bad_request: 'So geht es nicht. Ändern Sie, was hier genannt ist, und versuchen Sie es noch einmal.',
    unauthenticated: 'Sie sind abgemeldet. Melden Sie sich wieder an, um fortzufahren.',
    forbidden: 'Das dürfen Sie hier nicht. Bitten Sie die Person, der der Chat gehört, um mehr Rechte.',
    not_found: 'Das gibt es nicht mehr, oder Sie haben keinen Zugang. Bitten Sie um einen neuen Link.',
    method_not_allowed: 'Dieser Server kann das nicht. Laden Sie die Seite neu.',
    busy: 'Hier wird gerade eine Antwort geschrieben. Warten Sie, bis sie fertig ist, oder halten Sie sie an, und versuchen Sie es noch einmal.',
    not_current: 'Jemand hat diese Antwort neu begonnen. Sehen Sie sich die neue an und entscheiden Sie noch einmal.',
    already_answered: 'Jemand anderes hat das schon entschieden. Sie müssen nichts mehr tun.',
    ahead: 'Diese Seite weiß mehr als der Server. Laden Sie die Seite neu.',
    too_large: 'Das ist zu groß. Senden Sie weniger oder senden Sie es in Teilen.',
    idempotency_mismatch: 'Das wurde schon einmal mit anderen Worten gesendet. Senden Sie es noch einmal.',
    rate_limited: 'Das war zu viel auf einmal. Warten Sie einen Moment und versuchen Sie es noch einmal.',
    internal:
      'Der Server ist nicht erreichbar oder gestört. Prüfen Sie die Verbindung und versuchen Sie es noch einmal.',
    restarting: 'Der Server startet neu. Er ist gleich wieder da.',
    overloaded: 'Der Server hat zu viel zu tun. Warten Sie einen Moment und versuchen Sie es noch einmal.',
    stalled: 'Ihre Verbindung ist zu langsam, um mitzukommen. Was fehlt, wird noch einmal geladen.',
    store_unavailable: 'Der Server erreicht seinen Speicher nicht. Versuchen Sie es gleich noch einmal.',

    provider_unreachable: 'Das Modell ist nicht erreichbar. Versuchen Sie es noch einmal oder wählen Sie ein anderes.',
    provider_auth:
      'Der Server hat keinen Zugang zu diesem Modell. Wählen Sie ein anderes oder wenden Sie sich an den Betreiber des Servers.',
    provider_rejected: 'Das Modell nimmt diese Anfrage nicht an. Wählen Sie ein anderes oder ändern Sie die Frage.',
    provider_rate_limited:
      'Das Modell wird gerade zu oft gefragt. Warten Sie ein wenig und versuchen Sie es noch einmal.',
    provider_error:
      'Das Modell ist gestört. Versuchen Sie es noch einmal; hilft das nicht, wählen Sie ein anderes Modell.',
    provider_bad_response:
      'Die Antwort des Modells ist nicht lesbar. Versuchen Sie es noch einmal; hilft das nicht, wählen Sie ein anderes Modell.',
    provider_disconnected:
      'Das Modell hat mitten in der Antwort aufgehört. Setzen Sie sie fort; was da ist, bleibt erhalten.',
    provider_timeout:
      'Das Modell hat zu lange nichts gesagt. Setzen Sie die Antwort fort oder versuchen Sie es noch einmal.',
    message_too_large: 'Diese Antwort ist zu lang geworden. Was da ist, bleibt erhalten; fragen Sie nach weniger.',
    task_timeout: 'Diese Antwort hat zu lange gedauert. Setzen Sie sie fort oder fragen Sie nach weniger.',
    tool_rounds_exceeded:
      'Das Modell hat zu oft hintereinander Werkzeuge benutzt. Setzen Sie die Antwort fort oder stellen Sie eine engere Frage.',
    tools_unavailable: 'Die Werkzeuge sind nicht verfügbar. Versuchen Sie es noch einmal oder fragen Sie ohne sie.',
    filter_failed: 'Diese Antwort konnte nicht geprüft werden und wurde beendet. Versuchen Sie es noch einmal.',
    content_filtered: 'Die Regeln dieses Servers haben die Antwort beendet. Fragen Sie in anderen Worten.',
    interrupted: 'Diese Antwort wurde unterbrochen. Setzen Sie sie fort; was da ist, bleibt erhalten.',
  },
  saysMore: en.saysMore,
}

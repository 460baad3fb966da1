/** What went wrong and what to do, for each error code. For other codes the server's sentence is shown. */
export const errors: {
  byCode: Readonly<Record<string, string>>
  /** For these codes the server's own sentence says more, so it is shown, too. */
  saysMore: readonly string[]
} = {
  byCode: {
    bad_request: 'This does not work as it is. Change what is named here and try again.',
    unauthenticated: 'You are signed out. Sign in again to go on.',
    forbidden: 'You may not do this here. Ask the owner of the chat for more rights.',
    not_found: 'This is not here any more, or you have no access to it. Ask for a new link.',
    method_not_allowed: 'This server cannot do this. Reload the page.',
    busy: 'An answer is being written here. Wait for its end, or stop it, and try again.',
    not_current: 'Somebody has started this answer again. Look at the new one and decide again.',
    already_answered: 'Somebody else has already decided this. There is nothing left to do.',
    ahead: 'This page has more than the server does. Reload the page.',
    too_large: 'This is too large. Send less, or send it in pieces.',
    idempotency_mismatch: 'This was already sent with other words. Send it again.',
    rate_limited: 'That was too much at once. Wait a moment and try again.',
    internal: 'The server could not be reached, or failed. Check your connection and try again.',
    restarting: 'The server is restarting. It will be back in a moment.',
    overloaded: 'The server has too much to do. Wait a moment and try again.',
    stalled: 'Your connection is too slow to keep up. What is missing is loaded again.',
    store_unavailable: 'The server cannot reach its storage. Try again in a moment.',

    provider_unreachable: 'The model could not be reached. Try again, or choose another model.',
    provider_auth: 'The server has no access to this model. Choose another model, or tell whoever runs this server.',
    provider_rejected: 'The model does not accept this request. Choose another model, or change the question.',
    provider_rate_limited: 'The model is being asked too often right now. Wait a little and try again.',
    provider_error: 'The model failed. Try again; if it happens again, choose another model.',
    provider_bad_response:
      'The model’s answer could not be read. Try again; if it happens again, choose another model.',
    provider_disconnected: 'The model broke off before the answer was finished. Continue it; what was written is kept.',
    provider_timeout: 'The model has said nothing for too long. Continue the answer, or try again.',
    message_too_large: 'This answer has become too long. What was written is kept; ask for less at once.',
    task_timeout: 'This answer took too long. Continue it, or ask for less at once.',
    tool_rounds_exceeded: 'The model has used tools too many times in a row. Continue, or ask for something narrower.',
    tools_unavailable: 'The tools are not available. Try again, or ask without them.',
    filter_failed: 'This answer could not be checked, so it was ended. Try again.',
    content_filtered: 'The rules of this server ended the answer because of what it says. Ask in other words.',
    interrupted: 'This answer was interrupted. Continue it; what was written is kept.',
  },
  saysMore: ['bad_request', 'too_large', 'provider_rejected', 'provider_error', 'tools_unavailable'],
}

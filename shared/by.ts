/**
 * Who did something, with the name of then. `id` is what the chat calls them: never the id of an account, because all
 * who follow a chat have its document, guests of a link too. The list of members says whose it is.
 */
export type By = {
  id: string
  name: string
}

import { app } from './de/app.ts'
import { list } from './de/list.ts'
import { header } from './de/header.ts'
import { conversation } from './de/conversation.ts'
import { follow } from './de/follow.ts'
import { blocks } from './de/blocks.ts'
import { markdown } from './de/markdown.ts'
import { page } from './de/page.ts'
import { compose } from './de/compose.ts'
import { settings } from './de/settings.ts'
import { signIn } from './de/sign-in.ts'
import { wire } from './de/wire.ts'
import { errors } from './de/errors.ts'
import type { Words } from './en.ts'

export const de: Words = {
  app,
  list,
  header,
  conversation,
  follow,
  blocks,
  markdown,
  page,
  compose,
  settings,
  signIn,
  wire,
  errors,
}

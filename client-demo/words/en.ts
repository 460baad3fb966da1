import { app } from './en/app.ts'
import { list } from './en/list.ts'
import { header } from './en/header.ts'
import { conversation } from './en/conversation.ts'
import { follow } from './en/follow.ts'
import { blocks } from './en/blocks.ts'
import { markdown } from './en/markdown.ts'
import { page } from './en/page.ts'
import { compose } from './en/compose.ts'
import { settings } from './en/settings.ts'
import { signIn } from './en/sign-in.ts'
import { wire } from './en/wire.ts'
import { errors } from './en/errors.ts'

export const en = {
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

export type Words = typeof en

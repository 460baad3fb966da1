/** What answers: the runs, the lists of chats that they stand in, who is told of their ends, and what deletes. */
import type { Provider } from '../provider/events.ts'
import { patientStore } from '../store/patient.ts'
import { ChatDocuments } from '../task/chat-documents.ts'
import { Deletion } from '../task/deletion.ts'
import { Ends } from '../task/ends.ts'
import { keepFile } from '../task/generated-files.ts'
import { MessageReader } from '../task/message-reader.ts'
import { requestOf } from '../task/prompt.ts'
import { Tasks } from '../task/tasks.ts'
import { Titles } from '../task/titles.ts'
import { Toolbox } from '../task/toolset.ts'
import { isRunnelError } from '../../shared/errors.ts'
import { hasModel } from './adapters.ts'
import type { Foundation } from './foundation.ts'
import { fileQuotas, runLimits } from './limits.ts'
import type { RunnelOptions } from './options.ts'
import type { Screens } from './screens.ts'

export type Runs = ReturnType<typeof makeRuns>

export function makeRuns(
  foundation: Foundation,
  { rooms, news }: Pick<Screens, 'rooms' | 'news'>,
  provider: Provider,
  options: Pick<RunnelOptions, 'tools' | 'filters' | 'onMessageEnd' | 'provider' | 'providers'>,
) {
  const { config, redact, log, now, patience, store, authors, patient, files, cluster, operation } = foundation
  const chats = new ChatDocuments(rooms, patient, config.RUNNEL_MAX_CHAT_MESSAGES, patience)
  const patientMessages = new MessageReader(rooms, store, patience)
  const filesUrl = `${config.RUNNEL_BASE_PATH}/api/files/`
  const ends = makeEnds(foundation, options)
  const tools = new Toolbox(options.tools ?? [], (words) => log.warn({}, words))
  const titles = new Titles({
    store: patient,
    chats,
    provider,
    model: config.RUNNEL_TITLES === 'on' ? null : config.RUNNEL_TITLES,
    hasFilters: (options.filters ?? []).length > 0,
    redact,
    onTitle: async (chatId, title) => (await news.announcer(chatId))({ event: 'renamed', title }),
    onFailure: (error, chatId) => log.info({ chatId, ...failureOf(error) }, 'a chat got no title'),
  })
  const givesTitles = config.RUNNEL_TITLES !== 'off' && hasModel(config, options)
  const tasks: Tasks = new Tasks({
    ...runLimits(config),
    rooms,
    store: patient,
    storeUntil: (signal) => patientStore(store, patience, signal),
    patience,
    authors,
    files,
    chats,
    messages: patientMessages,
    now,
    cluster,
    provider,
    tools,
    filters: options.filters ?? [],
    redact,
    keepFile: (run, file) =>
      keepFile(
        {
          store: patientStore(store, patience, run.signal),
          files,
          filesUrl,
          maxFileBytes: config.RUNNEL_MAX_FILE_BYTES,
          fileQuotas: fileQuotas(config),
          now,
        },
        run,
        file,
      ),
    ends,
    filesUrl,
    ...(givesTitles && { onSaved: (message) => titles.answered(message) }),
    onRun: (event, run) => {
      if (event !== 'waiting') operation.onRun(event, run)
      if (event === 'answering') return
      const { chatId, messageId, status } = run.state
      news
        .announcer(chatId)
        .then((tell) => tell({ event: 'status', messageId, status }))
        .catch((err: unknown) => log.error({ err, chatId, ...requestOf(run) }, 'a chat list could not be told'))
    },
    onError: (err, context) =>
      log.error({ err, ...requestOfLive(context.messageId), ...context }, 'a run met an error'),
  })
  const requestOfLive = (messageId: string) => requestOf(tasks.ofMessage(messageId) ?? { request: null })
  const deletion = new Deletion({ tasks, store: patient, chats, files, gone: (docs) => news.gone(docs) })
  news.hear(tasks, (err) => log.error({ err }, 'news of another node could not be acted upon'))
  return { chats, patientMessages, filesUrl, ends, tools, tasks, titles, requestOfLive, deletion }
}

/** In a word: it is nobody's fault that has to be seen to. */
function failureOf(error: unknown): { code: string } {
  return { code: isRunnelError(error) ? error.code : 'internal' }
}

function makeEnds(
  { config, log, now, store, cluster }: Foundation,
  { onMessageEnd: tell }: Pick<RunnelOptions, 'onMessageEnd'>,
): Ends | null {
  if (!tell) return null
  return new Ends({
    store,
    now,
    tell,
    maxMs: config.RUNNEL_ON_MESSAGE_END_MAX_MS,
    ...(cluster.many && { alive: (nodes) => cluster.alive(nodes), leftMs: 6 * config.RUNNEL_LEASE_MS }),
    onError: (err, context) => log.error({ err, ...context }, 'an end could not be told; it is told again'),
  })
}

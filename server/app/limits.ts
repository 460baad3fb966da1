/** What the settings say to each part, under the names that the part has for it. */
import type { Config } from '../config/config.ts'

export function fileQuotas(config: Config) {
  return {
    userBytes: config.RUNNEL_MAX_FILE_BYTES_PER_USER,
    userFiles: config.RUNNEL_MAX_FILES_PER_USER,
    chatBytes: config.RUNNEL_MAX_FILE_BYTES_PER_CHAT,
    chatFiles: config.RUNNEL_MAX_FILES_PER_CHAT,
  }
}

export function runLimits(config: Config) {
  return {
    leaseMs: config.RUNNEL_LEASE_MS,
    onLostRun: config.RUNNEL_ON_LOST_RUN,
    toolMaxMs: config.RUNNEL_TOOL_MAX_MS,
    approvalMaxMs: config.RUNNEL_APPROVAL_MAX_MS,
    maxToolRounds: config.RUNNEL_MAX_TOOL_ROUNDS,
    maxToolOutputBytes: config.RUNNEL_MAX_TOOL_OUTPUT_BYTES,
    filterMaxMs: config.RUNNEL_FILTER_MAX_MS,
    continueBy: config.RUNNEL_CONTINUE_BY,
    system: config.RUNNEL_SYSTEM_PROMPT,
    maxHistoryChars: config.RUNNEL_MAX_HISTORY_CHARS,
    maxRequestFileBytes: config.RUNNEL_MAX_FILE_BYTES_PER_REQUEST,
    maxMessageBytes: config.RUNNEL_MAX_MESSAGE_BYTES,
    maxTasks: config.RUNNEL_MAX_TASKS,
    maxTasksPerUser: config.RUNNEL_MAX_TASKS_PER_USER,
    maxQueuedTasksPerUser: config.RUNNEL_MAX_QUEUED_TASKS_PER_USER,
    maxWaitingPerChat: config.RUNNEL_MAX_WAITING_PER_CHAT,
    maxWaitingPerUser: config.RUNNEL_MAX_WAITING_PER_USER,
    taskMaxMs: config.RUNNEL_TASK_MAX_MS,
  }
}

export function admissionLimits(config: Config) {
  return {
    perUser: config.RUNNEL_MAX_SOCKETS_PER_USER,
    perAddress: config.RUNNEL_MAX_SOCKETS_PER_ADDRESS,
    unauthenticated: config.RUNNEL_MAX_UNAUTHENTICATED_SOCKETS,
    unauthenticatedPerAddress: config.RUNNEL_MAX_UNAUTHENTICATED_SOCKETS_PER_ADDRESS,
    upgradesPerMinute: config.RUNNEL_MAX_UPGRADES_PER_MINUTE,
  }
}

export function socketLimits(config: Config) {
  return {
    heartbeatMs: config.RUNNEL_HEARTBEAT_MS,
    heartbeatTimeoutMs: config.RUNNEL_HEARTBEAT_TIMEOUT_MS,
    highWaterBytes: config.RUNNEL_VIEWER_HIGH_WATER_BYTES,
    stallMs: config.RUNNEL_VIEWER_STALL_MS,
    helloMs: config.RUNNEL_HELLO_MS,
    requestsPerMinute: config.RUNNEL_MAX_SOCKET_REQUESTS_PER_MINUTE,
    maxFrameBytes: config.RUNNEL_MAX_FRAME_BYTES,
    maxSubscriptions: config.RUNNEL_MAX_SUBSCRIPTIONS,
    maxStateVectorBytes: config.RUNNEL_MAX_STATE_VECTOR_BYTES,
    maxUnauthenticatedBytes: config.RUNNEL_MAX_UNAUTHENTICATED_BYTES,
  }
}

export function streamLimits(config: Config) {
  return {
    commentMs: config.RUNNEL_HEARTBEAT_MS,
    highWaterBytes: config.RUNNEL_VIEWER_HIGH_WATER_BYTES,
    stallMs: config.RUNNEL_VIEWER_STALL_MS,
  }
}

export function requestLimits(config: Config) {
  return {
    maxBodyBytes: config.RUNNEL_MAX_BODY_BYTES,
    allowedParams: config.RUNNEL_ALLOWED_PARAMS,
    providerTools: config.RUNNEL_PROVIDER_TOOLS,
    flushMs: config.RUNNEL_FLUSH_MS,
    maxFileBytes: config.RUNNEL_MAX_FILE_BYTES,
    fileQuotas: fileQuotas(config),
    maxChats: config.RUNNEL_MAX_CHATS_PER_USER,
    maxUnlistedChats: config.RUNNEL_MAX_UNLISTED_CHATS_PER_USER,
    maxFrameBytes: config.RUNNEL_MAX_FRAME_BYTES,
  }
}

export function answerLimits(config: Config) {
  return {
    stallMs: config.RUNNEL_VIEWER_STALL_MS,
    maxPendingBytes: config.RUNNEL_MAX_PENDING_ANSWER_BYTES,
    maxPerAddress: config.RUNNEL_MAX_CONNECTIONS_PER_ADDRESS,
  }
}

export function connectionLimits(config: Config) {
  return {
    connections: config.RUNNEL_MAX_CONNECTIONS,
    perAddress: config.RUNNEL_MAX_CONNECTIONS_PER_ADDRESS,
    headMs: config.RUNNEL_REQUEST_HEAD_MS,
    requestMs: config.RUNNEL_REQUEST_MS,
  }
}

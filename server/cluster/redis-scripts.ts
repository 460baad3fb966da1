import { createHash } from 'node:crypto'

/** What is sent as EVALSHA; the text only where the server does not know it yet. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

export interface LogScripts {
  append: Script
  read: Script
  compact: Script
  restore: Script
  release: Script
}

/**
 * The log of a live message. Under its key stands a hash: `e` the epoch of its
 * writer, `q` the last sequence number, `s` a snapshot, `p` the number up to
 * which that goes. Beside it, under the same hash tag, a list of the entries
 * p+1 to q. The key is the channel of the entries as well. Each script names
 * one key only, for the routing of a Redis Cluster.
 *
 * The head of an entry is 12 bytes: epoch, previous number, tag of the node.
 * Every write puts the end of both keys off, so that what nobody writes or
 * ends any more goes by itself.
 */
export function logScripts(ttlMs: number): LogScripts {
  const keep = `redis.call('PEXPIRE', key, ${ttlMs}) redis.call('PEXPIRE', key .. 'l', ${ttlMs})`
  const publish = `redis.call('SPUBLISH', key, string.sub(ARGV[1], 9, 12) .. struct.pack('>I4', seq) .. entry)`
  return {
    /** → 1, 0 (fenced), or `<last number> <its epoch>` (gap). */
    append: script(`local key = KEYS[1]
local epoch, previous = struct.unpack('>I4I4', ARGV[1])
local last = redis.call('HMGET', key, 'e', 'q')
local lastEpoch, seq = tonumber(last[1]) or 0, tonumber(last[2]) or 0
if epoch < lastEpoch then return 0 end
if previous ~= seq then return seq .. ' ' .. lastEpoch end
local entry = string.sub(ARGV[1], 13)
if entry ~= '' then
seq = seq + 1
redis.call('RPUSH', key .. 'l', entry)
${publish}
end
redis.call('HSET', key, 'e', epoch, 'q', seq)
${keep}
return 1`),

    /** → epoch, last number, snapshot, entries; null where there is none. */
    read: script(`local found = redis.call('HMGET', KEYS[1], 'e', 'q', 's')
if not found[1] then return false end
return {found[1], found[2], found[3], redis.call('LRANGE', KEYS[1] .. 'l', 0, -1)}`),

    /** ARGV: epoch, number, snapshot. What a list gives up is gone from memory; a stream only marks it. */
    compact: script(`local key, epoch, seq = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local last = redis.call('HMGET', key, 'e', 'q', 'p')
if not last[1] or epoch < tonumber(last[1]) or seq > tonumber(last[2]) then return 0 end
local compacted = tonumber(last[3]) or 0
if seq < compacted then return 0 end
redis.call('HSET', key, 's', ARGV[3], 'p', seq)
redis.call('LTRIM', key .. 'l', seq - compacted, -1)
${keep}
return 1`),

    /** ARGV: head and entry, as of an append. → the new last number, or 0 (fenced). Where this writer is past that number it has been done: an attempt that arrives late must not take away what came since. */
    restore: script(`local key = KEYS[1]
local epoch, seq = struct.unpack('>I4I4', ARGV[1])
local last = redis.call('HMGET', key, 'e', 'q')
local lastEpoch, lastSeq = tonumber(last[1]) or 0, tonumber(last[2]) or 0
if epoch < lastEpoch then return 0 end
if epoch == lastEpoch and lastSeq > seq then return lastSeq end
seq = math.max(seq, lastSeq) + 1
local entry = string.sub(ARGV[1], 13)
redis.call('HSET', key, 'e', epoch, 'q', seq, 'p', seq, 's', entry)
redis.call('DEL', key .. 'l')
${publish}
${keep}
return seq`),

    /** ARGV: epoch, ms. */
    release: script(`local epoch = tonumber(redis.call('HGET', KEYS[1], 'e'))
if not epoch or epoch > tonumber(ARGV[1]) then return 0 end
redis.call('PEXPIRE', KEYS[1] .. 'l', ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`),
  }
}

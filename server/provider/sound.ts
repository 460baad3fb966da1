/** A spoken answer: its bytes come in pieces of base64, in a format that only the request has named. */

/** Streams of speech are raw samples: mono, 16 bits, so many a second. */
const samplesPerSecond = 24_000
const headBytes = 44

export class Sound {
  readonly #pieces: Buffer[] = []
  /** What is no whole group of four characters yet. */
  #rest = ''
  readonly #count: (bytes: number) => void

  /** `count` hears how much more is held, and throws where that is too much. */
  constructor(count: (bytes: number) => void) {
    this.#count = count
  }

  add(base64: string): void {
    this.#count(base64.length)
    const text = this.#rest + base64
    const whole = text.length - (text.length % 4)
    this.#rest = text.slice(whole)
    if (whole > 0) this.#pieces.push(Buffer.from(text.slice(0, whole), 'base64'))
  }

  /** What came since the last call; null: nothing. */
  file(): { name: string; mimeType: string; data: Uint8Array } | null {
    if (this.#rest !== '') this.#pieces.push(Buffer.from(this.#rest, 'base64'))
    this.#rest = ''
    const data = Buffer.concat(this.#pieces.splice(0))
    if (data.byteLength === 0) return null
    const known = formats.find(({ begins }) => begins(data))
    if (known) return { name: `audio.${known.extension}`, mimeType: known.mimeType, data }
    return { name: 'audio.wav', mimeType: 'audio/wav', data: Buffer.concat([waveHead(data.byteLength), data]) }
  }
}

const formats = [
  { extension: 'wav', mimeType: 'audio/wav', begins: startsWith('RIFF') },
  { extension: 'ogg', mimeType: 'audio/ogg', begins: startsWith('OggS') },
  { extension: 'flac', mimeType: 'audio/flac', begins: startsWith('fLaC') },
  { extension: 'mp3', mimeType: 'audio/mpeg', begins: startsWith('ID3') },
  // Frames without a head: samples hardly begin as loud.
  {
    extension: 'mp3',
    mimeType: 'audio/mpeg',
    begins: (data: Buffer) => data[0] === 0xff && [0xfb, 0xf3, 0xf2, 0xfa].includes(data[1]!),
  },
  {
    extension: 'aac',
    mimeType: 'audio/aac',
    begins: (data: Buffer) => data[0] === 0xff && [0xf1, 0xf9].includes(data[1]!),
  },
]

function startsWith(mark: string): (data: Buffer) => boolean {
  return (data) => data.subarray(0, mark.length).toString('latin1') === mark
}

function waveHead(bytes: number): Buffer {
  const head = Buffer.alloc(headBytes)
  head.write('RIFF', 0, 'latin1')
  head.writeUInt32LE(headBytes - 8 + bytes, 4)
  head.write('WAVEfmt ', 8, 'latin1')
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(samplesPerSecond, 24)
  head.writeUInt32LE(samplesPerSecond * 2, 28)
  head.writeUInt16LE(2, 32)
  head.writeUInt16LE(16, 34)
  head.write('data', 36, 'latin1')
  head.writeUInt32LE(bytes, 40)
  return head
}

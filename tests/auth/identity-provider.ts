import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose'
import { onTestFinished } from 'vitest'

export interface SigningKey {
  kid: string
  alg: string
  privateKey: CryptoKey
  jwk: JWK
  /** The public key as anyone may have it, in PEM. */
  pem: string
}

/** A real HTTP server with a JWKS whose keys the test rotates. */
export async function startIdentityProvider() {
  const keys: SigningKey[] = []
  let requests = 0
  let broken: 'status' | 'text' | 'silent' | null = null
  const server = createServer((_request, response) => {
    requests += 1
    if (broken === 'silent') return
    if (broken === 'status') return void response.writeHead(500).end()
    response.setHeader('content-type', 'application/json')
    response.end(broken === 'text' ? '<html>' : JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  onTestFinished(close)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    keys,
    close,
    get requests() {
      return requests
    },
    break: (how: typeof broken) => {
      broken = how
    },
    /** A new key, published from now on. */
    newKey: async (kid: string, alg = 'RS256'): Promise<SigningKey> => {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
      const key = {
        kid,
        alg,
        privateKey,
        jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
        pem: await exportSPKI(publicKey),
      }
      keys.push(key)
      return key
    },
  }
}

export async function sign(
  { kid, alg, privateKey }: Pick<SigningKey, 'kid' | 'alg' | 'privateKey'>,
  claims: JWTPayload = {},
): Promise<string> {
  return await new SignJWT({ sub: 'ada', exp: seconds(60), ...claims })
    .setProtectedHeader({ alg, kid })
    .sign(privateKey)
}

/** Epoch seconds, so many from now. */
export function seconds(fromNow: number): number {
  return Math.floor(Date.now() / 1_000) + fromNow
}

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { npm } from '../npm.js'
import { places } from '../places.js'
import { stage } from '../progress.js'
import type { MutableEngine } from '../churn/engine.js'
import type { Engine } from './engine.js'

export const ownEngine = 'vector-level'

/** Engine name -> npm package; each has an adapter of that name in `bench/peers/`. */
const peers: Readonly<Record<string, string>> = {
  'hnswlib-node': 'hnswlib-node',
  usearch: 'usearch',
  zvec: '@zvec/zvec'
}

export const peerNames = Object.keys(peers)

/** Loads one engine and no other, so that its process holds nothing else. */
export async function loadEngine(name: string): Promise<Engine> {
  const { engine } = name === ownEngine ? await import('./vector-level.js') : await loadPeer(name)
  return engine as Engine
}

/** The same for an engine whose index is changed after it was built. */
export async function loadMutableEngine(name: string): Promise<MutableEngine> {
  const { mutable } = name === ownEngine ? await import('../churn/vector-level.js') : await loadPeer(name)
  return mutable as MutableEngine
}

async function loadPeer(name: string): Promise<{ engine: Engine; mutable: MutableEngine }> {
  return (await import(pathToFileURL(join(places.peers, `${name}.mjs`)).href)) as Awaited<ReturnType<typeof loadPeer>>
}

/** The version that is compared, as it is pinned or, for our own engine, as the package says. */
export async function versionOf(name: string): Promise<string> {
  const folder = name === ownEngine ? places.root : places.peers
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    version?: string
    dependencies: Record<string, string>
  }
  return (name === ownEngine ? manifest.version : manifest.dependencies[peers[name]]) ?? 'unknown'
}

/** Installs the peers into their own folder, unless they are there; hnswlib-node compiles meanwhile. */
export async function installPeers(): Promise<void> {
  const missing = Object.values(peers).some((name) => !existsSync(join(places.peers, 'node_modules', name)))
  // The lock file may lack other platforms' binaries, which `npm ci` would refuse.
  if (missing) await stage('Installing the peers', () => npm(['install', '--no-save'], places.peers))
}

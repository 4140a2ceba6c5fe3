import { fileURLToPath } from 'node:url'

const place = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The folders that benches and demo read and write, found from `dist/bench/`, wherever they are started. */
export const places = {
  root: place('../../'),
  /** Downloads, ground truths and stores; git-ignored, may be deleted at any time. */
  cache: place('../../.cache/'),
  peers: place('../../bench/peers/'),
  results: place('../../bench/results/'),
  docs: place('../../docs/'),
  readme: place('../../README.md')
} as const

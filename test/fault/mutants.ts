import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { withDirectory } from '../src/store.js'

/** The checkout whose compiled files these are. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** A copy of all compiled files, tests as well, with a fault in one of them. */
export interface Mutant {
  directory: string
  /** The module of a compiled file, such as `test/fault/kills.js`; it and all that it imports or runs are the mutant's. */
  load<Module>(file: string): Promise<Module>
}

/**
 * A compiled file, such as `src/writer.js`, with another text in the one place that has this one.
 *
 * @throws {Error} when the text is not there exactly once
 */
export function mutate(file: string, find: string, replace: string): string {
  const text = readFileSync(join(ROOT, 'dist', file), 'utf8')
  const places = text.split(find).length - 1
  if (places !== 1) throw new Error(`${file} has ${places} places, not 1, with the text: ${find}`)
  return text.replace(find, () => replace)
}

/**
 * Plants a fault, as `mutate` does, in a copy of all that is compiled.
 *
 * Valid until: `use` ends.
 *
 * @throws {Error} when the text is not there exactly once
 */
export async function withMutant(file: string, find: string, replace: string, use: (mutant: Mutant) => Promise<void>): Promise<void> {
  const text = mutate(file, find, replace)
  await withDirectory(async directory => {
    const dist = join(directory, 'dist')
    for (const folder of ['floor', 'codecs', 'storage', 'index', 'src', 'test', 'kernel']) {
      cpSync(join(ROOT, 'dist', folder), join(dist, folder), { recursive: true, filter: path => !/\.(map|d\.ts)$/.test(path) })
    }
    cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'))
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'junction')
    writeFileSync(join(dist, file), text)
    await use({ directory: dist, load: async <Module>(name: string) => await import(pathToFileURL(join(dist, name)).href) as Module })
  })
}

import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { withDirectory } from '../src/store.js'

/** The checkout whose compiled files these are. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** The one place in a compiled file, such as `src/writer.js`, that has a text, and what stands there instead. */
export interface Change {
  file: string
  find: string
  replace: string
}

/** A copy of all compiled files, tests as well, with a fault in one of them. */
export interface Mutant {
  directory: string
  /** The module of a compiled file, such as `test/fault/kills.js`; it and all that it imports or runs are the mutant's. */
  load<Module>(file: string): Promise<Module>
}

/**
 * What a compiled file becomes by changes to it.
 *
 * @throws {Error} when a text is not there exactly once
 */
export function mutate(file: string, changes: Change[]): string {
  let text = readFileSync(join(ROOT, 'dist', file), 'utf8')
  for (const { find, replace } of changes.filter(change => change.file === file)) {
    const places = text.split(find).length - 1
    if (places !== 1) throw new Error(`${file} has ${places} places, not 1, with the text: ${find}`)
    text = text.replace(find, () => replace)
  }
  return text
}

/**
 * Plants a fault, as `mutate` does, in a copy of all that is compiled.
 *
 * Valid until: `use` ends.
 *
 * @throws {Error} when a text is not there exactly once
 */
export async function withMutant(changes: Change[], use: (mutant: Mutant) => Promise<void>): Promise<void> {
  const files = new Map(changes.map(({ file }) => [file, mutate(file, changes)]))
  await withDirectory(async directory => {
    const dist = join(directory, 'dist')
    for (const folder of ['floor', 'codecs', 'storage', 'index', 'src', 'test', 'kernel']) {
      cpSync(join(ROOT, 'dist', folder), join(dist, folder), { recursive: true, filter: path => !/\.(map|d\.ts)$/.test(path) })
    }
    cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'))
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'junction')
    for (const [file, text] of files) writeFileSync(join(dist, file), text)
    await use({ directory: dist, load: async <Module>(name: string) => await import(pathToFileURL(join(dist, name)).href) as Module })
  })
}

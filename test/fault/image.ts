import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Everything below a directory: the content of its files, `undefined` for directories, by their paths in it; directories come first. */
export type Image = Map<string, Buffer | undefined>

export function writeImage(image: Image, root: string): void {
  mkdirSync(root, { recursive: true })
  for (const [path, content] of image) {
    if (content) writeFileSync(join(root, path), content)
    else mkdirSync(join(root, path), { recursive: true })
  }
}

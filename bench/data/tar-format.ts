/**
 * The tar format as npm writes it: for each file a header block, then the content, padded to 512 bytes.
 *
 * | offset | bytes | type              | name     | meaning                             |
 * |--------|-------|-------------------|----------|-------------------------------------|
 * | 0      | 100   | text, NUL-ended   | name     | path, begins with `package/`        |
 * | 124    | 12    | octal digits      | size     | bytes of content                    |
 * | 512    | size  |                   | content  | then zeros up to a multiple of 512  |
 */

const blockByteLength = 512

/**
 * Lends the content of the named files, in the order of `names`.
 *
 * @throws {Error} when a file is not in the archive
 */
export function filesOfTar(tar: Buffer, names: readonly string[]): Buffer[] {
  const found = new Map<string, Buffer>()
  let offset = 0
  // An archive ends with blocks of zeros, so an empty name is the end.
  while (offset + blockByteLength <= tar.length && tar[offset] !== 0) {
    const name = textAt(tar, offset, 100)
    const byteLength = Number.parseInt(textAt(tar, offset + 124, 12), 8)
    const content = offset + blockByteLength
    found.set(name, tar.subarray(content, content + byteLength))
    offset = content + Math.ceil(byteLength / blockByteLength) * blockByteLength
  }
  return names.map((name) => {
    const file = found.get(name)
    if (file === undefined) throw new Error(`${name} is not in the archive of ${found.size} files`)
    return file
  })
}

function textAt(tar: Buffer, offset: number, byteLength: number): string {
  const field = tar.subarray(offset, offset + byteLength)
  const end = field.indexOf(0)
  return field.toString('latin1', 0, end < 0 ? byteLength : end)
}

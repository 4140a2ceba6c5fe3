/** A table whose first column is text, the others figures. */
export function markdown(head: readonly string[], body: readonly string[][]): string {
  const lines = [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...body]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/**
 * What `strace -f -qq -xx -o FILE` writes, a line a call, all strings as hexadecimal escapes:
 *
 * | line | meaning |
 * |---|---|
 * | `PID name(arguments) = result …` | a call that began and ended |
 * | `PID name(arguments <unfinished ...>` | one began, and another thread called before it ended |
 * | `PID <... name resumed>arguments) = result …` | it ended |
 * | `PID +++ …`, `PID --- …` | the end of a thread, a signal |
 */

/** A call of the system, with its arguments as strace shows them. */
export interface Call {
  name: string
  arguments: string[]
  /** Negative when it failed. */
  result: number
  /** Lines at which it began and ended. */
  begin: number
  end: number
}

/** The calls that ended, in that order; but a close where it began: another thread may have the descriptor from then on. */
export function parseTrace(trace: string): Call[] {
  const calls: Call[] = []
  const unfinished = new Map<string, { text: string, begin: number }>()
  for (const [number, line] of trace.split('\n').entries()) {
    const [, pid, said] = line.match(/^(\d+) +([a-z<].*)$/) ?? []
    if (!pid || !said) continue
    const open = said.indexOf(' <unfinished ...>')
    if (open >= 0) {
      unfinished.set(pid, { text: said.slice(0, open), begin: number })
      continue
    }
    const resumed = said.startsWith('<...') ? unfinished.get(pid) : undefined
    const text = resumed ? resumed.text + said.slice(said.indexOf('resumed>') + 'resumed>'.length) : said
    const call = parseCall(text)
    if (call) calls.push({ ...call, begin: resumed?.begin ?? number, end: number })
  }
  const moment = ({ name, begin, end }: Call): number => (name === 'close' ? begin : end)
  return calls.sort((a, b) => moment(a) - moment(b))
}

function parseCall(text: string): Pick<Call, 'name' | 'arguments' | 'result'> | undefined {
  const from = text.indexOf('(')
  const to = text.lastIndexOf(') ')
  const result = text.slice(to + 1).match(/^ *= (-?\d+|0x[0-9a-f]+)/)?.[1]
  // A call in which the process ended has no result.
  if (from < 0 || to < 0 || result === undefined) return undefined
  return { name: text.slice(0, from), arguments: splitArguments(text.slice(from + 1, to)), result: Number(result) }
}

/** At the commas outside of brackets; in strings there are none. */
function splitArguments(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '"') i = text.indexOf('"', i + 1)
    else if (character === '[' || character === '{') depth++
    else if (character === ']' || character === '}') depth--
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(from, i).trim())
      from = i + 1
    }
  }
  parts.push(text.slice(from).trim())
  return parts
}

/** The bytes of all strings in an argument: one, or those of a vector of buffers. */
export function bytesOf(argument: string): Buffer {
  return Buffer.from((argument.match(/"[^"]*"/g) ?? []).join('').replace(/["\\x]/g, ''), 'hex')
}

export function textOf(argument: string): string {
  return bytesOf(argument).toString()
}

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
type Answer = { reply: unknown } | { error: string }

/** A process of its own for one workload: what it leaves in memory or in compiled code touches no other. */
export class WorkloadProcess<Request extends { type: string }, Replies extends Record<Request['type'], unknown>> {
  readonly #process: ChildProcess

  /** `group` is the folder of a control group that the process is in from its beginning: Node sizes its heap by what it finds there. */
  constructor(script: URL, group?: string) {
    // usearch frees an index only when it is collected, see its adapter.
    const execArgv = ['--expose-gc']
    this.#process = fork(fileURLToPath(script), group === undefined ? { execArgv } : {
      execPath: '/bin/sh', execArgv: ['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, process.execPath, ...execArgv]
    })
  }

  /** @throws {Error} with the child's stack when it failed or ended */
  async ask<T extends Request['type']>(request: Request & { type: T }): Promise<Replies[T]> {
    const child = this.#process
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the process of the workload has ended')
    const answered = new AbortController()
    try {
      const ended = once(child, 'exit', { signal: answered.signal }).then(([code, signal]: (number | string)[]) => {
        throw new Error(`the process of the workload ended during ${request.type} (${signal ?? `code ${code}`})`)
      })
      const message = once(child, 'message', { signal: answered.signal }) as Promise<[Answer]>
      child.send(request)
      const [answer] = await Promise.race([message, ended])
      if ('error' in answer) throw new Error(answer.error)
      return answer.reply as Replies[T]
    } finally {
      answered.abort()
    }
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill()
    await exited
  }
}

/** Asks one thing of a process of its own. */
export async function askOnce<Request extends { type: string }, Replies extends Record<Request['type'], unknown>, T extends Request['type']>(
  script: URL, request: Request & { type: T }
): Promise<Replies[T]> {
  const child = new WorkloadProcess<Request, Replies>(script)
  try {
    return await child.ask<T>(request)
  } finally {
    await child.end()
  }
}

/** What runs in such a process: answers each request, or says why it cannot. */
export function answer<Request, Reply>(handle: (request: Request) => Promise<Reply>): void {
  process.on('message', (request: Request) => {
    handle(request).then(
      (reply) => process.send!({ reply }),
      (error: Error) => process.send!({ error: error.stack ?? String(error) })
    )
  })
}

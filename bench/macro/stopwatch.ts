/** Adds up the time and the processor time of the parts that are measured. */
export class Stopwatch {
  seconds = 0
  cpuSeconds = 0

  async time<T>(task: () => Promise<T> | T): Promise<T> {
    const started = performance.now()
    const cpu = process.cpuUsage()
    const result = await task()
    const { user, system } = process.cpuUsage(cpu)
    this.seconds += (performance.now() - started) / 1e3
    this.cpuSeconds += (user + system) / 1e6
    return result
  }
}

/** The part of the WebAssembly API that is used here; the library of the DOM would bring all of a browser. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number, maximum?: number, shared?: boolean })
    readonly buffer: ArrayBuffer | SharedArrayBuffer
  }
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>)
    readonly exports: Record<string, unknown>
  }
  function validate(bytes: Uint8Array): boolean
}

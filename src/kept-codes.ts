import { Packr } from 'msgpackr'
import type { Codebook } from '../codecs/codec.js'
import { VectorLevelError } from '../floor/errors.js'
import { codeKindOf, type KeptCodes } from '../index/codes.js'
import type { GraphState } from '../index/graph.js'
import { type CodeBlock, type CodePlace, decodeCodeBlock, encodeCodeBlock } from '../storage/code-block-format.js'
import { BLOCK_HEADER } from '../storage/kernel/layout.js'
import { codebookKey, codeBlockKey, codesKey } from '../storage/keys.js'
import { seal, unseal } from '../storage/sealed.js'
import type { Space } from '../storage/space.js'
import type { Truth } from '../storage/truth.js'
import type { Engine, OpenCollection } from './engine.js'
import type { Writings } from './writings.js'

const CODES_SEED = 0x636f646573n
const CODEBOOK_SEED = 0x636f6465626f6f6bn
/** Typed arrays come back as what they were. */
const packr = new Packr({ structuredClone: true, useRecords: false })

export type View = Pick<Truth, 'get'>

/** What the truth says of the codes in use, besides their blocks. */
export interface CodesInTruth extends KeptCodes {
  /** How often each block was written (writings.ts). */
  writings: Uint8Array
}

/** Of what the codes in use are like; undefined before there is a codebook. */
export function keptCodesIn({ codebook, codes: { version, drift }, stored }: GraphState, writings: Writings): CodesInTruth | undefined {
  return codebook && { version, codebook, drift, stored: stored[codeKindOf(version)], writings: writings.of(version) }
}

/** The entry that says what the codes of a collection are like, and the one of their codebook. */
export function describeCodes({ checksum }: Engine, { id }: OpenCollection, { codebook, ...state }: CodesInTruth): [[Buffer, Buffer], [Buffer, Buffer]] {
  return [
    [codesKey(id), seal(checksum, CODES_SEED, packr.pack(state))],
    [codebookKey(id, state.version), seal(checksum, CODEBOOK_SEED, packr.pack(codebook))]
  ]
}

/** What is needed to go on with the codes that a view of the truth has of a collection; undefined where there are none. @throws {VectorLevelError} VECTOR_CORRUPTION */
export function readKeptCodes({ checksum }: Engine, { id, name }: OpenCollection, view: View): CodesInTruth | undefined {
  const bytes = view.get(codesKey(id))
  if (!bytes) return undefined
  const what = `what the codes of collection '${name}' are like`
  const state = packr.unpack(unseal(checksum, CODES_SEED, bytes, what)) as Omit<CodesInTruth, 'codebook'>
  const codebook = view.get(codebookKey(id, state.version))
  if (!codebook) throw new VectorLevelError('VECTOR_CORRUPTION', `codebook ${state.version} of collection '${name}' is missing`)
  return { ...state, codebook: packr.unpack(unseal(checksum, CODEBOOK_SEED, codebook, `codebook ${state.version} of collection '${name}'`)) as Codebook }
}

/** A block of codes. @throws {VectorLevelError} VECTOR_CORRUPTION when it is missing or damaged */
export function readCodeBlock({ checksum }: Engine, { name }: OpenCollection, place: CodePlace, view: View): CodeBlock {
  const what = `block ${place.block} of the codes of collection '${name}'`
  const bytes = view.get(codeBlockKey(place))
  if (!bytes) throw new VectorLevelError('VECTOR_CORRUPTION', `${what} is missing; repair() saves what is not lost with it`)
  return decodeCodeBlock(checksum, place, bytes, what)
}

/** A block of codes as it stands in the kernel's memory. */
export interface CodeFrame {
  place: CodePlace
  space: Space
  frame: number
}

/** The entry of a block of codes, of that writing. */
export function encodeFrame({ arena, checksum }: Engine, { place, space, frame }: CodeFrame, writing: number): [Buffer, Buffer] {
  const rows = arena.bytes.subarray(frame + BLOCK_HEADER, frame + BLOCK_HEADER + space.rowsPerBlock * space.rowBytes)
  return [codeBlockKey(place), encodeCodeBlock(checksum, place, { writing, rows })]
}

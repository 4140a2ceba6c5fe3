/**
 * The words of a graph descriptor, of a level within it, and of a searcher's scratch, in kernel memory. Read by both compilers.
 *
 * Graph: what a collection's index is. Scratch: what one thread needs to search or change it.
 */

/** ptrs of the space descriptors (storage/kernel/layout.ts). */
export const GRAPH_CODES = 0
export const GRAPH_STATES = 4
export const GRAPH_RECORDS = 8
/** Ghosts, so that nothing asks for states while there are none. */
export const GRAPH_GHOSTS = 12
/** A level descriptor for level 0 (rows by ordinal) and one for the upper levels (rows by slot). */
export const GRAPH_BASE = 16
export const GRAPH_UPPER = 48
/** Slots in use so far; the next one to be given out. */
export const GRAPH_SLOTS = 84
/** The slot of the entry point and its level; 0 levels when the graph is empty. */
export const GRAPH_ENTRY = 88
export const GRAPH_LEVELS = 92
export const GRAPH_M = 96
export const GRAPH_EF_CONSTRUCTION = 100
export const GRAPH_SEED = 104
export const GRAPH_DIM = 112
/** Bytes of a full vector's row: 4 * dim, rounded up to 16. */
export const GRAPH_VECTOR_BYTES = 116
export const GRAPH_SCORER = 120
export const GRAPH_METRIC = 124
/** ptr of the codebook (codecs/kernel/layout.ts). */
export const GRAPH_CODEBOOK = 128
/** The width to which a beam is widened that is too narrow for the errors of its codes, at most: scratches have room for it. */
export const GRAPH_WIDEST = 132
/** Rows that are resolved and scored together at most: their blocks must all be resident. A multiple of 4. */
export const GRAPH_TOGETHER = 144
/** What is still to be linked and removed: ptr of u32 tasks (`ordinal << TASK_BITS | kind`), and those in [FIRST, END) count; how many of them are links. */
export const GRAPH_TASKS = 148
export const GRAPH_TASKS_FIRST = 152
export const GRAPH_TASKS_END = 156
export const GRAPH_UNLINKED = 160
/** Ordinals that searches find, and those that were ever given out. */
export const GRAPH_LIVE = 164
export const GRAPH_ORDINALS = 168
/** 1 where the nearest by their codes are measured again by full vectors; 0 where codes are exact, or all that there is. */
export const GRAPH_RERANKS = 188
export const GRAPH_BYTES = 192

/** Kinds of tasks: those below TASK_REMOVE link a node. */
export const TASK_BITS = 2
export const TASK_LINK = 0
export const TASK_ENCODE_AND_LINK = 1
export const TASK_REMOVE = 2
export const TASK_RECODE = 3

/** A level: its space, the bytes before the first neighbor of a row, bytes of a neighbor, its empty value, neighbors at most. */
export const LEVEL_SPACE = 0
export const LEVEL_HEADER = 4
export const LEVEL_STRIDE = 8
export const LEVEL_EMPTY = 12
export const LEVEL_CAPACITY = 16

/**
 * A base row begins with u8 protected neighbors; an upper row with that, u8 level, u32 ordinal at 4, u32 slot below at 8.
 *
 * A base row of no node begins with ROW_UNUSED when there never was one; or else with ROW_LEFT, and its highest slot as u32 at
 * ROW_SLOT, NO_SLOT for none: the next node of that ordinal has the same levels, and takes the same slots.
 */
export const ROW_PROTECTED = 0
export const ROW_UNUSED = 0xff
export const ROW_LEFT = 0xfe
export const ROW_SLOT = 1
export const NO_SLOT = 0xffffffff
export const ROW_LEVEL = 1
export const ROW_ORDINAL = 4
export const ROW_BELOW = 8
export const BASE_HEADER = 1
export const UPPER_HEADER = 12

/** How codes are compared. */
export const SCORER_F32 = 0
export const SCORER_SQ8 = 1
export const SCORER_PQ4 = 2
export const SCORER_PQ8 = 3
export const METRIC_L2 = 0
export const METRIC_COSINE = 1
export const METRIC_DOT = 2

/**
 * One byte an ordinal.
 *
 * FREE: has neither record nor node. UNCODED: found by searches, and has no code yet. LIVE: found by searches. DEAD: removed, and found by
 * none; its node is as any other still. GHOST: so is its node, but no new edge leads there, and those that do are being replaced. LOST:
 * has no sound record, though a key may lead to it; not used again.
 */
export const STATE_FREE = 0
export const STATE_UNCODED = 1
export const STATE_LIVE = 2
export const STATE_DEAD = 3
export const STATE_GHOST = 4
export const STATE_LOST = 5

/** Words of a scratch descriptor: ptrs, then counters. */
/** The full query, f32[dim]; a buffer for the form of it that codes are compared with; and which of them (or which row) the scorer compares with. */
export const SCRATCH_QUERY = 0
export const SCRATCH_LEVELS = 4
export const SCRATCH_CODE_QUERY = 76
export const SCRATCH_BASE = 8
export const SCRATCH_BEAM = 12
export const SCRATCH_BEAM_CAPACITY = 16
export const SCRATCH_BEAM_COUNT = 20
export const SCRATCH_IDS = 24
export const SCRATCH_ROWS = 28
export const SCRATCH_ADDRESSES = 32
export const SCRATCH_KEYS = 36
export const SCRATCH_VISITED = 40
export const SCRATCH_VISITED_BYTES = 44
export const SCRATCH_EPOCH = 48
/** What a choice of neighbors has left of its candidates. */
export const SCRATCH_LEFT = 52
export const SCRATCH_SELECTED = 56
export const SCRATCH_ROW = 60
export const SCRATCH_RESULT = 64
export const SCRATCH_CANDIDATES = 72
/** Counters of the work done, u32, wrapping: distances of codes, nodes expanded; and (at the end) distances of full vectors. */
export const SCRATCH_DISTANCES = 80
export const SCRATCH_HOPS = 84
/** Where reads that only warm the cache are kept from being optimised away. */
export const SCRATCH_TOUCHED = 88
/** Neighbors that stay in a row that is swept. */
export const SCRATCH_STAY = 92
/** ptr of a u32 that ends searches early when it is not 0; 0 for none. */
export const SCRATCH_STOP = 96
/** f32: what a key of the loaded query stands for is KEY_BASE + (key - the codebook's origin) * KEY_UNIT. */
export const SCRATCH_KEY_BASE = 100
export const SCRATCH_KEY_UNIT = 104
/** f32: of the nearest, those that the last search has probably missed, since its beam was too narrow for the errors of codes. */
export const SCRATCH_MISSED = 108
export const SCRATCH_MEASURED = 112
export const SCRATCH_BYTES = 128

/**
 * A batch: nodes that are linked together, and rows that are swept meanwhile. All ptrs are of u32.
 *
 * MEMBERS: of each node its ordinal, its levels, its highest slot (NO_SLOT for none), and the ptr of its lists. LISTS: for each level of a node,
 * highest first, level 0 last: how many neighbors were chosen, the nearest that was met (NO_SLOT for none), and the chosen, M + M / MORE_IN_PLACE at most.
 * RANGES: of each item of the sweep 1 for the upper rows or 0, the first row, the row behind the last, and the ptr of what becomes of them: how many
 * rows, then of each its id, how many neighbors, the first of those to which it offers itself, which is one of the last, and all of them. EDGES: of each edge its end, the new node it leads to, and 1 on the upper levels or 0,
 * ordered by PARTS; PARTS: where each part begins, and the end.
 */
export const BATCH_LINKS = 0
export const BATCH_SWEEPS = 4
export const BATCH_MEMBERS = 8
export const BATCH_RANGES = 12
export const BATCH_EDGES = 16
export const BATCH_PARTS = 20
export const BATCH_BYTES = 64
export const MEMBER_ORDINAL = 0
export const MEMBER_LEVELS = 4
export const MEMBER_SLOT = 8
export const MEMBER_LISTS = 12
export const MEMBER_BYTES = 16
export const LIST_COUNT = 0
export const LIST_NEAREST = 4
export const LIST_HEADER = 8
export const RANGE_UPPER = 0
export const RANGE_FROM = 4
export const RANGE_TO = 8
export const RANGE_ROWS = 12
export const RANGE_BYTES = 16
export const SWEPT_ID = 0
export const SWEPT_COUNT = 4
export const SWEPT_OFFERED = 8
export const SWEPT_HEADER = 12
export const EDGE_NODE = 0
export const EDGE_ID = 4
export const EDGE_UPPER = 8
export const EDGE_BYTES = 12
/** A node that takes the place of one that left chooses M + M / MORE_IN_PLACE neighbors on level 0, at most; others M. */
export const MORE_IN_PLACE = 2
/** Parts of the edges of a batch, each for one thread at a time. */
export const PARTS = 16
/** Nodes of a batch at most, and fewer where they have more neighbors: what changes with one of them must fit the smallest cache. */
export const BATCH = 32
export const BATCH_NEIGHBORS = 512

/**
 * A search that is asked for: words, then f32[dim] (padded to 16 bytes) at QUERY as the user gave it; u64[K] at RESULT, written.
 *
 * FOUND: how many results. EXACT: 1 asks for a look at everything; written, 1 when everything was looked at. NEEDS: the width of the beam that the
 * scratch has no room for; then nothing was found. STOP: not 0 ends the search early; written PARTIAL, 1 when it did. Where codes are approximate: MEASURED,
 * how many are measured by their full vectors, 0 for as many as it takes to lose no more than MISSES (f32) of the K nearest by the errors of codes.
 *
 * EXPLAINS: 1 asks for what follows, which is added to: the THREAD that did it, READS of rows in blocks and FAULTS (blocks that were missing), DISTANCES of
 * codes and RERANKED ones of full vectors, HOPS (nodes expanded), the WIDTH of the last beam, and how often it was WIDENED; and microseconds (f64) IN_GRAPH,
 * IN_RERANK and IN_SCAN. LAP is the clock at the last change from one to another.
 */
export const JOB_K = 0
export const JOB_EF = 4
export const JOB_EXACT = 8
export const JOB_FOUND = 12
export const JOB_NEEDS = 16
export const JOB_STOP = 20
export const JOB_PARTIAL = 24
export const JOB_QUERY = 28
export const JOB_RESULT = 32
export const JOB_MEASURED = 36
export const JOB_MISSES = 40
export const JOB_EXPLAINS = 44
export const JOB_THREAD = 48
export const JOB_READS = 52
export const JOB_FAULTS = 56
export const JOB_DISTANCES = 60
export const JOB_RERANKED = 64
export const JOB_HOPS = 68
export const JOB_WIDTH = 72
export const JOB_WIDENED = 76
export const JOB_IN_GRAPH = 80
export const JOB_IN_RERANK = 88
export const JOB_IN_SCAN = 96
export const JOB_LAP = 104
export const JOB_BYTES = 128
/** Candidates kept beyond what is wanted, at least, where codes are approximate; half as many again for more. */
export const LEAST_SPARE = 4

/** Vectors to be encoded: ptrs of u32[COUNT] ordinals and of the vectors as the user gave them, padded as a full vector's row; and of the graph by whose codebook. */
export const ENCODING_COUNT = 0
export const ENCODING_ORDINALS = 4
export const ENCODING_VECTORS = 8
export const ENCODING_GRAPH = 12
export const ENCODING_BYTES = 16
/** Those that are one item of it. */
export const ENCODED_TOGETHER = 8

/**
 * Candidates that are expanded together, by the width of the beam: more overlap more cache misses, and expand some that a narrower step
 * would have spared. Buffers of a round hold the neighbors of WIDTH_MOST.
 */
export const WIDTH_LEAST = 2
export const WIDTH = 4
export const WIDTH_MOST = 8
/** Beams below the first have WIDTH_LEAST, those from the second on WIDTH_MOST. */
export const EF_NARROW = 16
export const EF_WIDE = 150

/** Entries of a beam that are measured by their full vectors together (kernel/result.ts). */
export const RERANKED = 16
/** Ordinals of a scan that are scored together, at most. */
export const SCAN = 64

/** Ghosts among a row's neighbors whose own neighbors are looked at for replacements, at most. */
export const GHOSTS_ASKED = WIDTH_MOST
/** Of the neighbors of a ghost, the nearest ones that are considered for its place in a row. */
export const NEAR_A_GHOST = 12
/** Those that take the place of a ghost in a row, at most; one does in any case, if there is any. */
export const FOR_A_GHOST = 3
/** Rows whose edges are looked at together. */
export const READ_TOGETHER = 32
/** A node is lonely when fewer than so many of the neighbors that a row can hold have an edge back, in eighths. */
export const LONELY_EIGHTHS = 4
/** Edges to the lonely ones of a range that are asked for, at most. */
export const OFFERS = 64
/** Steps up to the root of the tree that are followed, at most. */
export const DEPTH_KNOWN = 64

/**
 * The words of a codebook in kernel memory, read by both compilers. All ptrs are addresses.
 *
 * A key of codes stands for the distance KEY_BASE + (key - KEY_ORIGIN) * KEY_UNIT; where a query of PQ has tables of its own, it has its own base and unit.
 *
 * SQ8: INVERSE_SCALE, and at OFFSETS f32[dim]. PQ: the vector is cut into PARTS, each of which has CENTROIDS of them; component ORDER[p] stands at place p,
 * and places STARTS[part] up to STARTS[part + 1] are a part. CENTERS has the centroids, for each part in groups of LANES: f32[group][place of the part][LANES].
 * SYMMETRIC has the distances between the centroids of each part: u8[part][centroid][centroid], in units, less the least of the part.
 */
export const CODEBOOK_KEY_BASE = 0
export const CODEBOOK_KEY_ORIGIN = 4
export const CODEBOOK_KEY_UNIT = 8
export const CODEBOOK_INVERSE_SCALE = 12
export const CODEBOOK_OFFSETS = 16
export const CODEBOOK_PARTS = 20
export const CODEBOOK_CENTROIDS = 24
export const CODEBOOK_STARTS = 28
export const CODEBOOK_ORDER = 32
export const CODEBOOK_CENTERS = 36
export const CODEBOOK_SYMMETRIC = 40
export const CODEBOOK_BYTES = 64

/** Centroids that are compared with one component at a time. */
export const LANES = 16
/** Bytes of codes that are scored together, of rows of 4-bit codes: so many rows, and so many bytes of each. */
export const FAST_ROWS = 16
export const FAST_BYTES = 16
/** What the sum of a query's largest table entries must not exceed, since sums are kept in 16 bits; and what one entry must not. */
export const MOST_SUM = 65535
export const MOST_ENTRY = 255

/**
 * A clustering: centers that are sought among points, in several calls. Ptrs of POINTS f32[COUNT][DIM]; CENTERS f32[K / LANES][DIM][LANES]; NEAREST f32[COUNT] and
 * SUMS f64[K][DIM + 1], for its own use. DRAWN u64, the seed. CHOSEN first centers, then moves that are LEFT, and the point that a move has come to: AT.
 */
export const CLUSTERING_POINTS = 0
export const CLUSTERING_COUNT = 4
export const CLUSTERING_DIM = 8
export const CLUSTERING_K = 12
export const CLUSTERING_CENTERS = 16
export const CLUSTERING_NEAREST = 20
export const CLUSTERING_SUMS = 24
export const CLUSTERING_CHOSEN = 28
export const CLUSTERING_LEFT = 32
export const CLUSTERING_AT = 36
export const CLUSTERING_DRAWN = 40
export const CLUSTERING_BYTES = 64
/** What a call does: so many components of points, compared with one center, or with so many centers together. */
export const CLUSTERED_TOGETHER = 1 << 20

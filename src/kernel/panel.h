/* SPDX-License-Identifier: MIT */
/*
 * Panels: 16 consecutive weight rows, stored so that a vector lane is a row.
 *
 * A block of a weight type is dwords plus a tail of 0, 1 or 2 bytes (the scale of types whose block
 * is not a multiple of 4 bytes). In a panel the block of 16 rows becomes: for every dword one
 * 64-byte line that holds this dword of rows 0..15, then the 16 tails. A panel has as many bytes as
 * its 16 rows, so weights are packed in place. The fifth bits of Q5_0 and Q5_1 (one dword, bit e
 * for weight e) are also turned so that byte t, bit i belongs to weight 4 i + t: then one shift
 * aligns line i's bits with the nibbles of line i. F32, F16 and BF16 have one block per row, the
 * row itself. A leaf header: ISA files include it.
 */
#ifndef NMOS_KERNEL_PANEL_H
#define NMOS_KERNEL_PANEL_H

#include <stddef.h>
#include <stdint.h>

#define PANEL_ROWS 16U
#define PANEL_LINE 64U /* bytes of one dword of 16 rows */

/** Where the dwords and the tail of one row's block lie in the file, and how many blocks a row has.
 */
struct panel_layout {
    uint32_t n_blocks;    /* blocks in a row */
    uint32_t block_bytes; /* bytes of one row's block; a panel's block has 16 times as many */
    uint32_t n_dwords;    /* lines of a panel's block */
    uint32_t dwords_at;   /* byte offset of the first dword in the row's block */
    uint32_t tail_at;     /* byte offset of the tail in the row's block */
    uint8_t tail_bytes;   /* 0, 1 or 2 */
    int8_t fifth_bits;    /* number of the dword that holds the fifth bits, or -1 */
};

/** Packs 16 rows, whose first bytes are at @p rows, into @p panel (no overlap, no alignment
 * needed). */
typedef void (*panel_pack_fn)(const struct panel_layout *layout,
                              const uint8_t *const rows[PANEL_ROWS], uint8_t *panel);

void panel_pack_scalar(const struct panel_layout *layout, const uint8_t *const rows[PANEL_ROWS],
                       uint8_t *panel);
void panel_pack_avx2(const struct panel_layout *layout, const uint8_t *const rows[PANEL_ROWS],
                     uint8_t *panel);
void panel_pack_avx512(const struct panel_layout *layout, const uint8_t *const rows[PANEL_ROWS],
                       uint8_t *panel);

/** The inverse of packing for row @p row (0..15) of @p panel: file bytes into @p ret_row. */
void panel_unpack_row(const struct panel_layout *layout, const uint8_t *panel, uint32_t row,
                      uint8_t *ret_row);

#endif

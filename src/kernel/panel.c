/* SPDX-License-Identifier: MIT */
/*
 * Packing of panels, portable: the definition that the SIMD packers must equal byte for byte.
 */
#include "kernel/panel.h"

#include <string.h>

/* Bit 4 i + t of the file goes to bit 8 t + i. */
static uint32_t fifth_bits_turn(uint32_t bits)
{
    uint32_t turned = 0;
    for (uint32_t i = 0; i < 8; i++) {
        for (uint32_t t = 0; t < 4; t++) turned |= (bits >> (4 * i + t) & 1U) << (8 * t + i);
    }
    return turned;
}

static uint32_t fifth_bits_turn_back(uint32_t turned)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < 8; i++) {
        for (uint32_t t = 0; t < 4; t++) bits |= (turned >> (8 * t + i) & 1U) << (4 * i + t);
    }
    return bits;
}

void panel_pack_scalar(const struct panel_layout *layout, const uint8_t *const rows[PANEL_ROWS],
                       uint8_t *panel)
{
    for (uint32_t b = 0; b < layout->n_blocks; b++) {
        uint8_t *const block = panel + (size_t)b * layout->block_bytes * PANEL_ROWS;
        uint8_t *const tails = block + (size_t)layout->n_dwords * PANEL_LINE;
        for (uint32_t r = 0; r < PANEL_ROWS; r++) {
            const uint8_t *const from = rows[r] + (size_t)b * layout->block_bytes;
            for (uint32_t i = 0; i < layout->n_dwords; i++) {
                uint32_t dword;
                memcpy(&dword, from + layout->dwords_at + 4 * (size_t)i, 4);
                if ((int64_t)i == layout->fifth_bits) dword = fifth_bits_turn(dword);
                memcpy(block + i * (size_t)PANEL_LINE + 4 * (size_t)r, &dword, 4);
            }
            memcpy(tails + (size_t)r * layout->tail_bytes, from + layout->tail_at,
                   layout->tail_bytes);
        }
    }
}

void panel_unpack_row(const struct panel_layout *layout, const uint8_t *panel, uint32_t row,
                      uint8_t *ret_row)
{
    for (uint32_t b = 0; b < layout->n_blocks; b++) {
        const uint8_t *const block = panel + (size_t)b * layout->block_bytes * PANEL_ROWS;
        const uint8_t *const tails = block + (size_t)layout->n_dwords * PANEL_LINE;
        uint8_t *const to = ret_row + (size_t)b * layout->block_bytes;
        for (uint32_t i = 0; i < layout->n_dwords; i++) {
            uint32_t dword;
            memcpy(&dword, block + i * (size_t)PANEL_LINE + 4 * (size_t)row, 4);
            if ((int64_t)i == layout->fifth_bits) dword = fifth_bits_turn_back(dword);
            memcpy(to + layout->dwords_at + 4 * (size_t)i, &dword, 4);
        }
        memcpy(to + layout->tail_at, tails + (size_t)row * layout->tail_bytes, layout->tail_bytes);
    }
}

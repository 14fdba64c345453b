/* SPDX-License-Identifier: MIT */
/* Matrix products with AVX-512 and VNNI: vectors of 16 rows. */
#include "kernel/matmul_avx512.h"

#include "kernel/activation_simd.inc"
#include "kernel/matmul_simd.inc"
#include "kernel/panel_simd.inc"

void panel_pack_avx512(const struct panel_layout *layout, const uint8_t *const rows[PANEL_ROWS],
                       uint8_t *panel)
{
    panel_pack_simd(layout, rows, panel);
}

void act_quantize_row_avx512(const float *x, uint32_t n_in, struct act_block *to, size_t stride)
{
    act_quantize_row_simd(x, n_in, to, stride);
}

const struct matmul_table matmul_table_avx512 = {act_quantize_row_avx512, panel_pack_avx512,
                                                 kernels};

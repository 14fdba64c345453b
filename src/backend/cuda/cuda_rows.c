/* SPDX-License-Identifier: MIT */
/* Row verbs of the CUDA backend: each is one kernel of device/rows.c. */
#include <string.h>

#include "backend/cuda/cuda_internal.h"

static uint32_t runs(size_t n)
{
    return (uint32_t)((n + CUDA_THREADS - 1) / CUDA_THREADS);
}

void cuda_rms_norm(struct backend *b, float *y, size_t y_stride, const float *x, size_t x_stride,
                   const float *w, uint32_t n_rows, uint32_t n, float eps)
{
    const struct norm_args args = {y, x, w, y_stride, x_stride, n, eps};
    cuda_launch(cuda_of(b), CUDA_k_norm, n_rows, 1, CUDA_THREADS, 0, &args);
}

void cuda_head_norm(struct backend *b, float *x, const float *w, uint32_t n_rows, uint32_t n_heads,
                    uint32_t head_dim, float eps)
{
    const size_t stride = (size_t)n_heads * head_dim;
    const struct norm_args args = {x, x, w, stride, stride, head_dim, eps};
    cuda_launch(cuda_of(b), CUDA_k_norm, n_rows, n_heads, CUDA_THREADS / 2, 0, &args);
}

void cuda_rope(struct backend *b, float *x, const float *cos_sin, uint32_t n_rows, uint32_t n_heads,
               uint32_t head_dim, uint32_t n_rot, int pairs_are_adjacent)
{
    const struct rope_args args = {x, cos_sin, n_heads, head_dim, n_rot, pairs_are_adjacent != 0};
    cuda_launch(cuda_of(b), CUDA_k_rope, n_rows, n_heads, CUDA_THREADS / 4, 0, &args);
}

void cuda_glu(struct backend *b, enum glu_kind kind, float *out, const float *gate, const float *up,
              size_t stride, uint32_t n_rows, uint32_t n)
{
    const struct glu_args args = {out, gate, up, stride, n, kind == GLU_GELU_TANH};
    cuda_launch(cuda_of(b), CUDA_k_glu, runs(n), n_rows, CUDA_THREADS, 0, &args);
}

static void flat(struct backend *b, enum flat_kind kind, float *x, const float *y, float scalar,
                 size_t n)
{
    const struct flat_args args = {x, y, n, scalar, kind};
    cuda_launch(cuda_of(b), CUDA_k_flat, runs(n), 1, CUDA_THREADS, 0, &args);
}

void cuda_add(struct backend *b, float *x, const float *y, size_t n)
{
    flat(b, FLAT_ADD, x, y, 0.0F, n);
}

void cuda_scale(struct backend *b, float *x, float s, size_t n)
{
    flat(b, FLAT_SCALE, x, NULL, s, n);
}

void cuda_softcap(struct backend *b, float *x, float cap, size_t n)
{
    flat(b, FLAT_SOFTCAP, x, NULL, cap, n);
}

/* Host arrays of dwords, one behind the other, to the card. @return where; NULL: it is noted why
 * not. */
static const char *send_arrays(struct cuda_backend *cuda, const void *first, const void *second,
                               size_t n)
{
    const size_t bytes = n * sizeof(uint32_t);
    const size_t all = second ? 2 * bytes : bytes;
    int rc = 0;
    if (all > cuda->image_bytes) {
        rc = FAIL(NMOS_E_LIMIT, "%zu bytes of row numbers; the device has room for %zu", all,
                  cuda->image_bytes);
    } else {
        memcpy(cuda->image_next, first, bytes);
        if (second) memcpy(cuda->image_next + bytes, second, bytes);
        rc = cuda_image_send(cuda, all);
    }
    cuda_note(cuda, rc);
    return rc < 0 ? NULL : cuda->image;
}

void cuda_gather_rows(struct backend *b, float *to, const float *from, const uint32_t *row_i,
                      uint32_t n_rows, uint32_t n)
{
    if (n_rows == 0) return;
    const char *index = send_arrays(cuda_of(b), row_i, NULL, n_rows);
    const struct gather_args args = {to, from, (const void *)index, n_rows, n};
    if (index) cuda_launch(cuda_of(b), CUDA_k_gather, runs(n), 1, CUDA_THREADS, 0, &args);
}

void cuda_weighted_rows(struct backend *b, float *to, const float *from, const uint32_t *slot,
                        const float *weight, uint32_t n_rows, uint32_t n_used, uint32_t n)
{
    const size_t n_all = (size_t)n_rows * n_used;
    const char *arrays = send_arrays(cuda_of(b), slot, weight, n_all);
    if (!arrays) return;
    const struct weighted_args args = {
        to,     from, (const void *)arrays, (const void *)(arrays + n_all * sizeof(uint32_t)),
        n_used, n};
    cuda_launch(cuda_of(b), CUDA_k_weighted, runs(n), n_rows, CUDA_THREADS, 0, &args);
}

void cuda_add_gated(struct backend *b, float *x, const float *y, const float *g, uint32_t n_rows,
                    uint32_t n)
{
    const struct gated_args args = {x, y, g, n};
    cuda_launch(cuda_of(b), CUDA_k_gated, runs(n), n_rows, CUDA_THREADS, 0, &args);
}

void cuda_softmax(struct backend *b, float *x, uint32_t n_rows, uint32_t n)
{
    const struct softmax_args args = {x, n};
    cuda_launch(cuda_of(b), CUDA_k_softmax, n_rows, 1, CUDA_THREADS, 0, &args);
}

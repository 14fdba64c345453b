/* SPDX-License-Identifier: MIT */
/* What the files of the CUDA backend share. */
#ifndef NMOS_BACKEND_CUDA_CUDA_INTERNAL_H
#define NMOS_BACKEND_CUDA_CUDA_INTERNAL_H

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/cuda_driver.h"
#include "backend/cuda/cuda_kernels.h"
#include "backend/cuda/cuda_link.h"

#define CUDA_BLOCKS_MAX  512U
#define CUDA_MODULES     3U
/** Of the host's memory, page-locked: what upload() and download() pass through. */
#define CUDA_STAGING     ((size_t)1 << 20)
/** Room for what rows need to know: pages of all sessions of a batch, and tails of its rows. More
 * rows go in several launches. */
#define CUDA_PAGES_MAX   16384U
#define CUDA_TAILS_A_ROW 64U

struct cuda_block {
    cuda_address address;
    size_t bytes;
};

struct cuda_backend {
    struct backend base; /* first */
    const struct cuda_driver *driver;
    int device;
    cuda_context context;
    cuda_module modules[CUDA_MODULES];
    cuda_function functions[CUDA_KERNEL_COUNT];
    cuda_stream stream;
    struct cuda_link *link;
    char *staging; /* [CUDA_STAGING] */
    uint64_t limit_bytes;
    uint64_t used_bytes;
    uint64_t peak_bytes;
    uint64_t up_bytes; /* of upload() */
    uint64_t down_bytes;
    struct cuda_block blocks[CUDA_BLOCKS_MAX];
    uint32_t n_blocks;
    /* Of plan(). */
    uint32_t n_rows_max;
    uint32_t n_in_max;
    uint32_t *act;            /* device: activations of one linear() */
    struct cuda_books *books; /* device */
    char *image;              /* device: host arrays that verbs read, such as page tables */
    char *image_host;         /* what is there, page-locked */
    char *image_next;         /* what a verb asks for */
    size_t image_bytes;       /* room */
    size_t image_used;
    /* The first failure that nobody was told; 0: none. */
    int failed;
    char failure[ERROR_MESSAGE_MAX];
};

static inline struct cuda_backend *cuda_of(struct backend *b)
{
    return (struct cuda_backend *)b;
}

/** Keeps a failure for download() or fence_wait() to tell, when @p rc is negative. */
void cuda_note(struct cuda_backend *cuda, int rc);

/** Queues a kernel with one struct of arguments. */
void cuda_launch(struct cuda_backend *cuda, enum cuda_kernel kernel, uint32_t grid_x,
                 uint32_t grid_y, uint32_t n_threads, size_t shared_bytes, const void *args);

/** Makes the card's image of host arrays that of the first @p bytes of image_next. @return 0, or
 * why it could not. */
int cuda_image_send(struct cuda_backend *cuda, size_t bytes) NMOS_MUST_CHECK;

/** Bytes of the image for batches of @p n_rows rows. */
size_t cuda_image_bytes(uint32_t n_rows);

/** Products of rows that are quantised already: see enum act_dword; @p x for float weights.
 */
void cuda_multiply(struct cuda_backend *cuda, const uint32_t *act, const float *x, uint32_t n_rows,
                   uint32_t n_in, const struct linear_job *jobs, uint32_t n_jobs);

void cuda_linear(struct backend *b, const float *x, uint32_t n_rows, uint32_t n_in,
                 const struct linear_job *jobs, uint32_t n_jobs);

int cuda_attention_check(struct backend *b, const struct attention_config *config);
size_t cuda_kv_layer_bytes(struct backend *b, const struct attention_config *config);
void cuda_kv_store(struct backend *b, const struct attention_config *config, size_t layer_offset,
                   const struct kv_row *rows, uint32_t n_rows, const float *k, const float *v);
void cuda_kv_move(struct backend *b, const struct attention_config *config, size_t layer_offset,
                  void *const *pages, uint32_t from_slot, uint32_t to_slot);
void cuda_attention(struct backend *b, const struct attention_config *config, size_t layer_offset,
                    const struct kv_row *rows, uint32_t n_rows, const float *q, float *out,
                    const struct attention_part *part);

void cuda_rms_norm(struct backend *b, float *y, size_t y_stride, const float *x, size_t x_stride,
                   const float *w, uint32_t n_rows, uint32_t n, float eps);
void cuda_head_norm(struct backend *b, float *x, const float *w, uint32_t n_rows, uint32_t n_heads,
                    uint32_t head_dim, float eps);
void cuda_rope(struct backend *b, float *x, const float *cos_sin, uint32_t n_rows, uint32_t n_heads,
               uint32_t head_dim, uint32_t n_rot, int pairs_are_adjacent);
void cuda_glu(struct backend *b, enum glu_kind kind, float *out, const float *gate, const float *up,
              size_t stride, uint32_t n_rows, uint32_t n);
void cuda_add(struct backend *b, float *x, const float *y, size_t n);
void cuda_scale(struct backend *b, float *x, float s, size_t n);
void cuda_softcap(struct backend *b, float *x, float cap, size_t n);
void cuda_gather_rows(struct backend *b, float *to, const float *from, const uint32_t *row_i,
                      uint32_t n_rows, uint32_t n);
void cuda_weighted_rows(struct backend *b, float *to, const float *from, const uint32_t *slot,
                        const float *weight, uint32_t n_rows, uint32_t n_used, uint32_t n);
void cuda_add_gated(struct backend *b, float *x, const float *y, const float *g, uint32_t n_rows,
                    uint32_t n);
void cuda_softmax(struct backend *b, float *x, uint32_t n_rows, uint32_t n);

#endif

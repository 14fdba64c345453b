/* SPDX-License-Identifier: MIT */
/*
 * Attention verbs of the CUDA backend: says where the rows' keys and values lie, then one kernel of
 * device/attention.c.
 *
 * The places of a batch are the same in every layer of a pass, so they cross the link once: the
 * card's image of them is compared with what is asked for.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "backend/cuda/cuda_internal.h"
#include "kernel/attention_kv_internal.h"

int cuda_attention_check(struct backend *b, const struct attention_config *config)
{
    const struct kv_layout layout = attention_layout(config);
    (void)b;
    TRY(kv_layout_check(&layout));
    if (config->head_dim_k > CUDA_HEAD_DIM_MAX || config->head_dim_v > CUDA_HEAD_DIM_MAX) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "heads of %" PRIu32 " and %" PRIu32 " dimensions; a GPU computes up to %u",
                    config->head_dim_k, config->head_dim_v, CUDA_HEAD_DIM_MAX);
    }
    if (config->in_parts || config->mass_columns) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "a GPU attends to keys and values that are all there, and counts no masses");
    }
    return 0;
}

size_t cuda_kv_layer_bytes(struct backend *b, const struct attention_config *config)
{
    const struct kv_layout layout = attention_layout(config);
    (void)b;
    return kv_layer_bytes(&layout);
}

static struct kv_args kv_args_of(const struct attention_config *config, size_t layer_offset)
{
    const struct kv_layout layout = attention_layout(config);
    const struct kv_offsets offsets = kv_offsets_of(&layout);
    return (struct kv_args){.layer_offset = layer_offset,
                            .head_bytes = offsets.head_bytes,
                            .v_at = offsets.v,
                            .k_scales_at = offsets.k_scales,
                            .v_scales_at = offsets.v_scales,
                            .type = config->kv_type,
                            .n_kv_heads = config->n_kv_heads,
                            .head_dim_k = config->head_dim_k,
                            .head_dim_v = config->head_dim_v,
                            .page_tokens = config->page_tokens};
}

/* The image of some rows: the rows, then their pages, then their tails; which wait behind the room
 * for pages until it is known how many there are. */
struct image {
    struct cuda_row *rows;
    uint64_t *pages;
    int32_t *tails;
    uint32_t n_pages;
    uint32_t n_tails;
    uint32_t tails_max;
};

static struct image image_of(const struct cuda_backend *cuda, uint32_t n_rows)
{
    const size_t rows_bytes = size_round_up(n_rows * sizeof(struct cuda_row), sizeof(uint64_t));
    char *pages = cuda->image_next + rows_bytes;
    char *tails = pages + CUDA_PAGES_MAX * sizeof(uint64_t);
    return (struct image){
        .rows = (struct cuda_row *)(void *)cuda->image_next,
        .pages = (uint64_t *)(void *)pages,
        .tails = (int32_t *)(void *)tails,
        .tails_max =
            (uint32_t)((cuda->image_bytes - (size_t)(tails - cuda->image_next)) / sizeof(int32_t)),
    };
}

static uint32_t n_tails_of(const struct kv_row *row)
{
    return row->pos + 1 > row->n_prefix ? (uint32_t)(row->pos + 1 - row->n_prefix) : 0;
}

/* Pages that a row may read or write: as far as its highest slot. */
static uint32_t n_pages_of(const struct kv_row *row, uint32_t page_tokens)
{
    const int32_t in_prefix = (row->n_prefix < row->pos + 1 ? row->n_prefix : row->pos + 1) - 1;
    int32_t highest = row->slot > in_prefix ? row->slot : in_prefix;
    for (uint32_t i = 0; i < n_tails_of(row); i++) {
        if (row->tail_slots[i] > highest) highest = row->tail_slots[i];
    }
    return (uint32_t)highest / page_tokens + 1;
}

/* Adds a row; rows behind each other with the same pages share them. @return 0 when there is no
 * room. */
static int add_row(struct image *image, const struct kv_row *rows, uint32_t i, uint32_t first,
                   uint32_t page_tokens)
{
    const struct kv_row *row = &rows[i];
    const uint32_t n_tails = n_tails_of(row);
    const uint32_t n_pages = n_pages_of(row, page_tokens);
    const int is_shared = i > first && rows[i - 1].pages == row->pages;
    const uint32_t first_page = is_shared ? image->rows[i - first - 1].first_page : image->n_pages;
    if (image->n_tails + n_tails > image->tails_max || first_page + n_pages > CUDA_PAGES_MAX) {
        return 0;
    }
    for (; image->n_pages < first_page + n_pages; image->n_pages++) {
        image->pages[image->n_pages] = (uintptr_t)row->pages[image->n_pages - first_page];
    }
    image->rows[i - first] = (struct cuda_row){.pos = row->pos,
                                               .slot = row->slot,
                                               .n_prefix = row->n_prefix,
                                               .first_tail = image->n_tails,
                                               .first_page = first_page};
    if (n_tails) {
        memcpy(image->tails + image->n_tails, row->tail_slots, n_tails * sizeof(int32_t));
    }
    image->n_tails += n_tails;
    return 1;
}

/* Sends the places of as many rows from @p first on as there is room for. @return how many; 0: it
 * is noted why none. */
static uint32_t send_rows(struct cuda_backend *cuda, const struct kv_row *rows, uint32_t first,
                          uint32_t n_rows, struct kv_args *args)
{
    struct image image = image_of(cuda, n_rows - first);
    uint32_t end = first;
    int rc = 0;
    while (end < n_rows && add_row(&image, rows, end, first, args->page_tokens)) end++;
    if (end == first) {
        rc = FAIL(NMOS_E_LIMIT,
                  "a row at position %" PRId32 " needs %" PRIu32 " pages and %" PRIu32
                  " slots; the device has room for %u and %" PRIu32,
                  rows[first].pos, n_pages_of(&rows[first], args->page_tokens),
                  n_tails_of(&rows[first]), CUDA_PAGES_MAX, image.tails_max);
    } else {
        int32_t *tails = (int32_t *)(void *)(image.pages + image.n_pages);
        memmove(tails, image.tails, image.n_tails * sizeof(int32_t));
        image.tails = tails;
        rc = cuda_image_send(cuda, (size_t)((char *)(tails + image.n_tails) - cuda->image_next));
    }
    cuda_note(cuda, rc);
    if (rc < 0) return 0;
    args->rows = (const void *)cuda->image;
    args->pages = (const void *)(cuda->image + ((char *)image.pages - cuda->image_next));
    args->tails = (const void *)(cuda->image + ((char *)image.tails - cuda->image_next));
    return end - first;
}

void cuda_kv_store(struct backend *b, const struct attention_config *config, size_t layer_offset,
                   const struct kv_row *rows, uint32_t n_rows, const float *k, const float *v)
{
    struct cuda_backend *cuda = cuda_of(b);
    struct store_args args = {.kv = kv_args_of(config, layer_offset)};
    const size_t k_width = (size_t)config->n_kv_heads * config->head_dim_k;
    const size_t v_width = (size_t)config->n_kv_heads * config->head_dim_v;
    for (uint32_t first = 0; first < n_rows;) {
        const uint32_t n = send_rows(cuda, rows, first, n_rows, &args.kv);
        if (n == 0) return;
        args.k = k + first * k_width;
        args.v = v + first * v_width;
        cuda_launch(cuda, CUDA_k_kv_store, n, config->n_kv_heads, CUDA_THREADS / 2, 0, &args);
        first += n;
    }
}

void cuda_kv_move(struct backend *b, const struct attention_config *config, size_t layer_offset,
                  void *const *pages, uint32_t from_slot, uint32_t to_slot)
{
    const uint32_t n = config->page_tokens;
    const struct move_args args = {.kv = kv_args_of(config, layer_offset),
                                   .from_page = pages[from_slot / n],
                                   .to_page = pages[to_slot / n],
                                   .from_slot = from_slot % n,
                                   .to_slot = to_slot % n};
    cuda_launch(cuda_of(b), CUDA_k_kv_move, config->n_kv_heads, 1, CUDA_THREADS / 2, 0, &args);
}

void cuda_attention(struct backend *b, const struct attention_config *config, size_t layer_offset,
                    const struct kv_row *rows, uint32_t n_rows, const float *q, float *out,
                    const struct attention_part *part)
{
    struct cuda_backend *cuda = cuda_of(b);
    struct attend_args args = {.kv = kv_args_of(config, layer_offset),
                               .n_heads = config->n_heads,
                               .window = config->window,
                               .scale = config->scale,
                               .softcap = config->softcap};
    const size_t q_width = (size_t)config->n_heads * config->head_dim_k;
    const size_t out_width = (size_t)config->n_heads * config->head_dim_v;
    assert(!part);
    (void)part;
    for (uint32_t first = 0; first < n_rows;) {
        const uint32_t n = send_rows(cuda, rows, first, n_rows, &args.kv);
        if (n == 0) return;
        args.q = q + first * q_width;
        args.out = out + first * out_width;
        cuda_launch(cuda, CUDA_k_attention, n, config->n_heads, CUDA_THREADS, 0, &args);
        first += n;
    }
}

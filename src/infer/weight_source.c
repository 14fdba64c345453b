/* SPDX-License-Identifier: MIT */
#include "infer/weight_source.h"

#include <assert.h>
#include <stdio.h>

#include "quant/dequant.h"

struct weight_source {
    struct backend *backend;
    const struct weight_map *map;
    struct backend *device;
    struct stream *stream;
    struct tier *tier;        /* NULL: all is computed at the host */
    uint8_t *places;          /* [n_shards] enum shard_place */
    uint32_t *river_order;    /* [n_shards] the stream's shard r is shard river_order[r] */
    uint8_t **is_packed;      /* [n_shards][n_tensors]; rows into packed_flags */
    uint8_t *packed_flags;    /* all tensors of all shards */
    const void **extent_data; /* [most tensors of a shard] */
    int has_experts;          /* stacks of experts are among the extents */
    unsigned char *row_bytes; /* one row of the embedding table, as in the file */
};

/* Every expert of a stack is a matrix of its own to the kernels. */
static int prepare_matrix(struct backend *b, const struct gguf_tensor *t, void *data)
{
    const size_t expert_bytes = (size_t)(t->n_bytes / t->dims[2]);
    int is_packed = 0;
    for (uint64_t e = 0; e < t->dims[2]; e++) {
        is_packed = b->ops->weights_prepare(b, (char *)data + e * expert_bytes, t->type,
                                            (uint32_t)t->dims[0], (uint32_t)t->dims[1]);
    }
    return is_packed;
}

/* Packed rows come in groups of 16; a fused matrix is cut into q, k and v, which must not split a
 * group. */
static int qkv_can_be_cut(const struct hparams *hp)
{
    return hp->n_heads * hp->head_dim_k % 16 == 0 && hp->n_kv_heads * hp->head_dim_k % 16 == 0;
}

static int prepare(struct weight_source *source, struct backend *b, uint32_t shard_i,
                   uint32_t extent_i, void *data)
{
    const struct weight_map *map = source->map;
    const struct gguf_tensor *t = map->shards[shard_i].tensors[extent_i];
    const int is_fused =
        shard_i < map->hp.n_layers && map->layer_tensor_i[shard_i][W_ATTN_QKV] == extent_i;
    if (t->n_dims > 1 && !(is_fused && !qkv_can_be_cut(&map->hp))) {
        source->is_packed[shard_i][extent_i] = (uint8_t)prepare_matrix(b, t, data);
    }
    return 0;
}

static int on_pinned_at_host(void *arg, uint32_t river_i, uint32_t extent_i, void *data)
{
    struct weight_source *source = arg;
    const uint32_t shard_i = source->river_order[river_i];
    if (source->places[shard_i] == SHARD_SENT) return 0;
    return prepare(source, source->backend, shard_i, extent_i, data);
}

static int on_pinned_at_device(void *arg, uint32_t shard_i, uint32_t extent_i, void *data)
{
    struct weight_source *source = arg;
    return prepare(source, source->device, shard_i, extent_i, data);
}

static int allocate(struct weight_source *source, const struct weight_map *map)
{
    size_t n_all = 0;
    size_t n_most = 0;
    for (uint32_t s = 0; s < map->n_shards; s++) {
        n_all += map->shards[s].n_tensors;
        if (map->shards[s].n_tensors > n_most) n_most = map->shards[s].n_tensors;
    }
    const size_t row_bytes = tensor_row_bytes(map->token_embd->type, map->hp.d_model);
    source->is_packed = mem_calloc(MEM_HEADER, map->n_shards, sizeof(source->is_packed[0]));
    source->packed_flags = mem_calloc(MEM_HEADER, n_all, 1);
    source->extent_data = mem_calloc(MEM_HEADER, n_most, sizeof(source->extent_data[0]));
    source->row_bytes = mem_alloc(MEM_SCRATCH, row_bytes, MEM_ALIGN_VECTOR);
    source->places = mem_calloc(MEM_HEADER, map->n_shards, 1);
    source->river_order = mem_calloc(MEM_HEADER, map->n_shards, sizeof(source->river_order[0]));
    if (!source->is_packed || !source->packed_flags || !source->extent_data || !source->row_bytes ||
        !source->places || !source->river_order) {
        return NMOS_E_NOMEM;
    }
    uint8_t *next = source->packed_flags;
    for (uint32_t s = 0; s < map->n_shards; s++) {
        source->is_packed[s] = next;
        next += map->shards[s].n_tensors;
    }
    return 0;
}

static uint32_t n_extents_of(const struct weight_shard *shard, int with_experts)
{
    return with_experts ? shard->n_tensors : shard->n_trunk;
}

int weight_extents_init(struct weight_extents *list, const struct weight_map *map, int with_experts)
{
    *list = (struct weight_extents){.n_shards = map->n_shards};
    for (uint32_t s = 0; s < map->n_shards; s++) {
        list->n_extents += n_extents_of(&map->shards[s], with_experts);
    }
    list->shards = mem_calloc(MEM_HEADER, list->n_shards, sizeof(list->shards[0]));
    list->extents = mem_calloc(MEM_HEADER, list->n_extents, sizeof(list->extents[0]));
    list->names = mem_calloc(MEM_HEADER, list->n_shards, sizeof(list->names[0]));
    if (!list->shards || !list->extents || !list->names) {
        weight_extents_deinit(list);
        return NMOS_E_NOMEM;
    }
    struct stream_extent *next = list->extents;
    for (uint32_t s = 0; s < map->n_shards; s++) {
        const struct weight_shard *shard = &map->shards[s];
        const int is_head = s == map->hp.n_layers;
        snprintf(list->names[s], sizeof(list->names[s]), is_head ? "output" : "blk.%u", s);
        const uint32_t n_extents = n_extents_of(shard, with_experts);
        list->shards[s] = (struct stream_shard){list->names[s], n_extents, next};
        for (uint32_t i = 0; i < n_extents; i++) {
            const struct gguf_tensor *t = shard->tensors[i];
            *next++ = (struct stream_extent){
                .file_i = t->file_i, .pinned = 1, .offset = t->offset, .bytes = t->n_bytes};
        }
    }
    return 0;
}

void weight_extents_deinit(struct weight_extents *list)
{
    mem_free(list->shards);
    mem_free(list->extents);
    mem_free(list->names);
    *list = (struct weight_extents){0};
}

/* The River brings what is computed at the host and what is sent, in the order of the tier. */
static int open_stream(struct weight_source *source, const struct weight_source_config *config)
{
    const uint32_t n = config->extents->n_shards;
    struct stream_shard *river = mem_calloc(MEM_GENERAL, n, sizeof(*river));
    if (!river) return NMOS_E_NOMEM;
    for (uint32_t s = 0; config->places && s < n; s++) source->places[s] = config->places[s];
    tier_river_order(source->places, n, source->river_order);
    for (uint32_t r = 0; r < n; r++) {
        river[r] = config->extents->shards[source->river_order[r]];
        if (source->places[source->river_order[r]] == SHARD_DEVICE) river[r].n_extents = 0;
    }
    const struct stream_config stream_config = {.files = config->files,
                                                .n_files = config->n_files,
                                                .ioq = config->ioq,
                                                .shards = river,
                                                .n_shards = n,
                                                .ring_bytes = config->ring_bytes,
                                                .on_pinned = on_pinned_at_host,
                                                .on_pinned_arg = source,
                                                .starts_late = config->starts_late,
                                                .cancel = config->cancel};
    const int rc = stream_open(&stream_config, &source->stream);
    mem_free(river);
    return rc;
}

static int open_tier(struct weight_source *source, const struct weight_source_config *config)
{
    const struct tier_config tier_config = {.device = config->device,
                                            .stream = source->stream,
                                            .files = config->files,
                                            .shards = config->extents->shards,
                                            .places = source->places,
                                            .river_order = source->river_order,
                                            .n_shards = config->extents->n_shards,
                                            .on_pinned = on_pinned_at_device,
                                            .on_pinned_arg = source,
                                            .cancel = config->cancel};
    for (uint32_t s = 0; s < tier_config.n_shards; s++) {
        if (source->places[s] != SHARD_HOST) return tier_open(&tier_config, &source->tier);
    }
    return 0;
}

int weight_source_open(const struct weight_source_config *config, struct weight_source **ret_source)
{
    struct weight_source *source = mem_calloc(MEM_GENERAL, 1, sizeof(*source));
    if (!source) return NMOS_E_NOMEM;
    source->backend = config->backend;
    source->device = config->device;
    source->map = config->map;
    source->has_experts = config->extents->shards[0].n_extents == config->map->shards[0].n_tensors;
    int rc = allocate(source, config->map);
    if (rc == 0) rc = open_stream(source, config);
    if (rc == 0) rc = open_tier(source, config);
    if (rc < 0) {
        weight_source_close(&source);
        return rc;
    }
    *ret_source = source;
    return 0;
}

void weight_source_close(struct weight_source **source)
{
    if (!source || !*source) return;
    tier_close(&(*source)->tier);
    stream_close(&(*source)->stream);
    mem_free((*source)->places);
    mem_free((*source)->river_order);
    mem_free(*(void **)&(*source)->is_packed);
    mem_free((*source)->packed_flags);
    mem_free((void *)(*source)->extent_data);
    mem_free((*source)->row_bytes);
    mem_free(*source);
    *source = NULL;
}

int weight_source_shrink(struct weight_source *source, const struct weight_extents *extents,
                         uint64_t ring_bytes)
{
    uint8_t *pinned = mem_calloc(MEM_GENERAL, extents->n_extents, 1);
    uint32_t n = 0;
    if (!pinned) return NMOS_E_NOMEM;
    if (source->tier) tier_give_up(source->tier);
    for (uint32_t r = 0; r < extents->n_shards; r++) {
        const struct stream_shard *shard = &extents->shards[source->river_order[r]];
        if (source->places[source->river_order[r]] == SHARD_DEVICE) continue;
        for (uint32_t e = 0; e < shard->n_extents; e++) pinned[n++] = shard->extents[e].pinned;
    }
    const int rc = stream_shrink(source->stream, pinned, ring_bytes);
    mem_free(pinned);
    if (rc == NMOS_E_LIMIT) return rc;
    /* What is not pinned any more comes as it lies in the file. */
    for (uint32_t s = 0; s < extents->n_shards; s++) {
        const struct stream_shard *shard = &extents->shards[s];
        if (source->places[s] == SHARD_DEVICE) continue;
        for (uint32_t e = 0; e < shard->n_extents; e++) {
            source->is_packed[s][e] &= shard->extents[e].pinned;
        }
    }
    return rc;
}

static struct tensor_view view_of(const struct weight_source *source, uint32_t shard_i, uint32_t i)
{
    if (i == WEIGHT_ABSENT) return (struct tensor_view){0};
    const struct weight_shard *shard = &source->map->shards[shard_i];
    const struct gguf_tensor *t = shard->tensors[i];
    const int is_there = i < shard->n_trunk || source->has_experts;
    return (struct tensor_view){.data = is_there ? source->extent_data[i] : NULL,
                                .type = t->type,
                                .n_in = (uint32_t)t->dims[0],
                                .n_out = (uint32_t)t->dims[1],
                                .is_packed = source->is_packed[shard_i][i]};
}

void weight_source_begin_pass(struct weight_source *source)
{
    if (source->tier) tier_begin_pass(source->tier);
}

void weight_source_give_up_pass(struct weight_source *source)
{
    if (!source->tier) stream_turn(source->stream, 0);
}

static int acquire(struct weight_source *source, uint32_t shard_i)
{
    if (source->tier) return tier_acquire(source->tier, shard_i, source->extent_data);
    return stream_acquire(source->stream, shard_i, source->extent_data);
}

int weight_source_acquire_layer(struct weight_source *source, uint32_t layer_i,
                                struct layer_weights *ret_layer)
{
    TRY(acquire(source, layer_i));
    for (int role = 0; role < W_LAYER_ROLES; role++) {
        ret_layer->w[role] = view_of(source, layer_i, source->map->layer_tensor_i[layer_i][role]);
    }
    return 0;
}

void weight_source_done_with(struct weight_source *source, uint32_t layer_i, enum layer_role first,
                             enum layer_role last)
{
    const struct weight_shard *shard = &source->map->shards[layer_i];
    for (int role = (int)first; role <= (int)last; role++) {
        const uint32_t i = source->map->layer_tensor_i[layer_i][role];
        if (i == WEIGHT_ABSENT || (i >= shard->n_trunk && !source->has_experts)) continue;
        if (source->tier) {
            tier_release_extent(source->tier, layer_i, i);
        } else {
            stream_release_extent(source->stream, layer_i, i);
        }
    }
}

int weight_source_peek(const struct weight_source *source, uint32_t layer_i, enum layer_role role,
                       struct tensor_view *ret_view)
{
    const uint32_t i = source->map->layer_tensor_i[layer_i][role];
    const void *data = i == WEIGHT_ABSENT ? NULL : stream_pinned(source->stream, layer_i, i);
    if (!data) return 0;
    *ret_view = view_of(source, layer_i, i);
    ret_view->data = data;
    return 1;
}

int weight_source_acquire_head(struct weight_source *source, struct head_weights *ret_head)
{
    const uint32_t shard_i = source->map->hp.n_layers;
    TRY(acquire(source, shard_i));
    for (int role = 0; role < W_HEAD_ROLES; role++) {
        ret_head->w[role] = view_of(source, shard_i, source->map->head_tensor_i[role]);
    }
    return 0;
}

void weight_source_release(struct weight_source *source, uint32_t shard_i)
{
    if (source->tier) {
        tier_release(source->tier, shard_i);
    } else {
        stream_release(source->stream, shard_i);
    }
}

int weight_source_embedding(struct weight_source *source, uint32_t token, float *out)
{
    const struct gguf_tensor *t = source->map->token_embd;
    assert(token < source->map->hp.n_vocab);
    const size_t row_bytes = tensor_row_bytes(t->type, source->map->hp.d_model);
    TRY(stream_read(source->stream, t->file_i, t->offset + token * (uint64_t)row_bytes, row_bytes,
                    source->row_bytes));
    dequant_row(t->type, source->row_bytes, source->map->hp.d_model, out);
    return 0;
}

int weight_source_read_vector(struct weight_source *source, const struct gguf_tensor *tensor,
                              float *out)
{
    assert(tensor->type == TENSOR_F32);
    return stream_read(source->stream, tensor->file_i, tensor->offset, tensor->n_bytes, out);
}

struct tensor_view tensor_view_expert(const struct tensor_view *stack, uint32_t expert_i)
{
    struct tensor_view view = *stack;
    const size_t bytes = tensor_row_bytes(stack->type, stack->n_in) * stack->n_out;
    view.data = (const char *)stack->data + expert_i * bytes;
    return view;
}

void weight_source_look(struct weight_source *source)
{
    stream_look(source->stream);
}

struct stream *weight_source_stream(struct weight_source *source)
{
    return source->stream;
}

struct tier *weight_source_tier(struct weight_source *source)
{
    return source->tier;
}

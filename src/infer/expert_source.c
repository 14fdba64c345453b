/* SPDX-License-Identifier: MIT */
#include "infer/expert_source.h"

#include "base/mem.h"

/* Slots of each size, in experts that one row uses: one set computes while another is read. */
#define SLOT_SETS_MIN 2U

struct expert_source {
    const struct weight_map *map;
    struct backend *backend;
    struct expert_cache *cache;
    uint8_t *is_packed; /* [n_layers][EXPERT_PARTS] what the backend makes of a matrix */
};

/* The order of the parts of an expert. */
static const enum layer_role part_roles[EXPERT_PARTS] = {W_MOE_GATE, W_MOE_UP, W_MOE_DOWN};

static const struct gguf_tensor *stack_of(const struct weight_map *map, uint32_t layer_i,
                                          uint32_t part_i)
{
    return map->shards[layer_i].tensors[map->layer_tensor_i[layer_i][part_roles[part_i]]];
}

int expert_layers_create(const struct weight_map *map, struct expert_layer **ret_layers)
{
    const struct hparams *hp = &map->hp;
    struct expert_layer *layers = mem_calloc(MEM_HEADER, hp->n_layers, sizeof(layers[0]));
    if (!layers) return NMOS_E_NOMEM;
    for (uint32_t l = 0; l < hp->n_layers; l++) {
        for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
            const struct gguf_tensor *t = stack_of(map, l, p);
            layers[l].parts[p] = (struct expert_part){
                .offset = t->offset, .bytes = t->n_bytes / hp->n_experts, .file_i = t->file_i};
        }
    }
    *ret_layers = layers;
    return 0;
}

uint64_t expert_layer_bytes(const struct expert_layer *layer)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p < EXPERT_PARTS; p++) sum += layer->parts[p].bytes;
    return sum;
}

uint32_t expert_slots_min(const struct hparams *hp)
{
    return SLOT_SETS_MIN * hp->n_experts_used;
}

static void pack(void *arg, uint32_t layer_i, uint32_t part_i, void *data)
{
    struct expert_source *source = arg;
    const struct gguf_tensor *t = stack_of(source->map, layer_i, part_i);
    source->is_packed[layer_i * EXPERT_PARTS + part_i] =
        (uint8_t)source->backend->ops->weights_prepare(source->backend, data, t->type,
                                                       (uint32_t)t->dims[0], (uint32_t)t->dims[1]);
}

int expert_source_open(const struct expert_source_config *config, struct expert_source **ret_source)
{
    struct expert_layer *layers = NULL;
    struct expert_source *source = mem_calloc(MEM_GENERAL, 1, sizeof(*source));
    if (!source) return NMOS_E_NOMEM;
    source->map = config->map;
    source->backend = config->backend;
    source->is_packed = mem_calloc(MEM_HEADER, config->map->hp.n_layers, EXPERT_PARTS);
    int rc = source->is_packed ? expert_layers_create(config->map, &layers) : NMOS_E_NOMEM;
    if (rc == 0) {
        const struct expert_cache_config cache = {.files = config->files,
                                                  .n_files = config->n_files,
                                                  .ioq = config->ioq,
                                                  .layers = layers,
                                                  .n_layers = config->map->hp.n_layers,
                                                  .n_experts = config->map->hp.n_experts,
                                                  .n_used = config->map->hp.n_experts_used,
                                                  .n_intents = config->n_intents,
                                                  .n_slots_min = expert_slots_min(&config->map->hp),
                                                  .bytes = config->bytes,
                                                  .on_reused = pack,
                                                  .on_reused_arg = source};
        rc = expert_cache_open(&cache, &source->cache);
    }
    mem_free(layers);
    if (rc < 0) {
        expert_source_close(&source);
        return rc;
    }
    *ret_source = source;
    return 0;
}

void expert_source_close(struct expert_source **source)
{
    if (!source || !*source) return;
    expert_cache_close(&(*source)->cache);
    mem_free((*source)->is_packed);
    mem_free(*source);
    *source = NULL;
}

static struct tensor_view view_of(const struct expert_source *source,
                                  const struct expert_loan *loan, uint32_t part_i)
{
    const uint32_t layer_i = expert_cache_layer(source->cache);
    const struct gguf_tensor *t = stack_of(source->map, layer_i, part_i);
    return (struct tensor_view){.data = loan->data[part_i],
                                .type = t->type,
                                .n_in = (uint32_t)t->dims[0],
                                .n_out = (uint32_t)t->dims[1],
                                .is_packed = loan->is_rearranged &&
                                             source->is_packed[layer_i * EXPERT_PARTS + part_i]};
}

int expert_source_next(struct expert_source *source, const _Atomic int *cancel, uint32_t *ret_i,
                       struct expert_weights *ret_weights)
{
    struct expert_loan loan;
    const int rc = expert_cache_next(source->cache, cancel, &loan);
    if (rc != 1) return rc;
    *ret_i = loan.i;
    *ret_weights = (struct expert_weights){.gate = view_of(source, &loan, 0),
                                           .up = view_of(source, &loan, 1),
                                           .down = view_of(source, &loan, 2)};
    return 1;
}

struct expert_cache *expert_source_cache(struct expert_source *source)
{
    return source->cache;
}

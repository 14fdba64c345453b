/* SPDX-License-Identifier: MIT */
#include "stream/tier_placement.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NONE              UINT32_MAX
/* Of more layers than this, only every second (third ...) count of pinned ones is considered. */
#define PINNED_COUNTS_MAX 256U

uint64_t tier_shard_bytes(const struct stream_shard *shard)
{
    uint64_t sum = 0;
    for (uint32_t e = 0; e < shard->n_extents; e++) {
        sum += size_round_up(shard->extents[e].bytes, MEM_ALIGN_VECTOR);
    }
    return sum;
}

static uint64_t file_bytes(const struct stream_shard *shard)
{
    uint64_t sum = 0;
    for (uint32_t e = 0; e < shard->n_extents; e++) sum += shard->extents[e].bytes;
    return sum;
}

/* Of the host's ring for one shard, blocks around every extent. */
static uint64_t region_bytes(const struct stream_shard *shard)
{
    return file_bytes(shard) + 2 * (uint64_t)STREAM_ALIGN_MIN * shard->n_extents;
}

/* Everything that does not need the placement in the host's memory: sizes, link, computing. */
static void sum_up(const struct tier_placement_config *config, const uint8_t *places,
                   struct tier_placement *ret)
{
    uint64_t activations = 0;
    int was_away = 0;
    *ret = (struct tier_placement){0};
    for (uint32_t s = 0; s < config->n_shards; s++) {
        const struct tier_shard *cost = &config->costs[s];
        const int is_away = places[s] != SHARD_HOST;
        ret->total_bytes += file_bytes(&config->shards[s]);
        ret->compute_s += is_away ? cost->device_s : cost->host_s;
        if (is_away != was_away) activations += config->crossing_bytes;
        was_away = is_away;
        if (!is_away) continue;
        const uint64_t bytes = tier_shard_bytes(&config->shards[s]);
        activations += cost->link_bytes;
        ret->device_state_bytes += cost->device_state;
        ret->host_state_bytes += cost->host_state;
        if (places[s] == SHARD_DEVICE) {
            ret->n_pinned++;
            ret->device_pinned_bytes += bytes;
        } else {
            ret->n_sent++;
            ret->sent_bytes += file_bytes(&config->shards[s]);
            if (bytes > ret->device_slot_bytes) ret->device_slot_bytes = bytes;
        }
    }
    ret->link_bytes = ret->sent_bytes + activations;
    ret->link_s = (double)ret->link_bytes / config->link_bytes_per_s;
    ret->compute_s += (double)activations / config->link_bytes_per_s;
    if (ret->n_pinned + ret->n_sent > 0) {
        ret->device_used_bytes = config->device_fixed_bytes + ret->device_pinned_bytes +
                                 ret->device_state_bytes + TIER_SLOTS * ret->device_slot_bytes;
    }
}

/* For pins and ring; 0 when what is fixed does not fit. */
static uint64_t host_room(const struct tier_placement_config *config,
                          const struct tier_placement *p)
{
    const uint64_t fixed = config->host_fixed_bytes - p->host_state_bytes;
    const uint64_t room = config->host_bytes > fixed ? config->host_bytes - fixed : 0;
    const uint64_t per_table_byte = config->host_bytes_per_table_byte;
    return per_table_byte ? room - room / (per_table_byte + 1) : room;
}

/* The disk needs at least so long, however well the host's memory is used. */
static double least_disk_s(const struct tier_placement_config *config,
                           const struct tier_placement *p)
{
    const uint64_t kept = p->device_pinned_bytes + host_room(config, p);
    const uint64_t streamed = p->total_bytes > kept ? p->total_bytes - kept : 0;
    return (double)streamed / config->disk_bytes_per_s;
}

/* And a pass. */
static double least_pass_s(const struct tier_placement_config *config,
                           const struct tier_placement *p)
{
    double least = least_disk_s(config, p);
    if (p->link_s > least) least = p->link_s;
    if (p->compute_s > least) least = p->compute_s;
    return least;
}

/* The shards as the host sees them. */
struct host_view {
    struct stream_shard *shards; /* [n_shards] without those pinned at the device */
    double *compute_s;           /* [n_shards] */
    uint8_t *pinned;             /* [extents] of these shards */
};

static void view_deinit(struct host_view *view)
{
    mem_free(view->shards);
    mem_free(view->compute_s);
    mem_free(view->pinned);
}

static int view_init(struct host_view *view, const struct tier_placement_config *config,
                     const uint8_t *places)
{
    uint32_t n_extents = 1;
    for (uint32_t s = 0; s < config->n_shards; s++) n_extents += config->shards[s].n_extents;
    view->shards = mem_calloc(MEM_GENERAL, config->n_shards, sizeof(*view->shards));
    view->compute_s = mem_calloc(MEM_GENERAL, config->n_shards, sizeof(*view->compute_s));
    view->pinned = mem_calloc(MEM_GENERAL, n_extents, 1);
    if (!view->shards || !view->compute_s || !view->pinned) return NMOS_E_NOMEM;
    for (uint32_t s = 0; s < config->n_shards; s++) {
        const struct tier_shard *cost = &config->costs[s];
        view->shards[s] = config->shards[s];
        view->compute_s[s] = places[s] == SHARD_HOST ? cost->host_s : cost->device_s;
        if (places[s] == SHARD_DEVICE) view->shards[s].n_extents = 0;
    }
    return 0;
}

/* Bytes that the ring needs on top while sent shards wait in it for the link: TIER_SLOTS of the
 * largest, when any of them is streamed from disk. */
static uint64_t waiting_bytes(const struct tier_placement_config *config, const uint8_t *places,
                              const struct host_view *view)
{
    uint64_t largest = 0;
    uint32_t i = 0;
    for (uint32_t s = 0; s < config->n_shards; s++) {
        int is_streamed = 0;
        for (uint32_t e = 0; e < view->shards[s].n_extents; e++) is_streamed |= !view->pinned[i++];
        if (places[s] != SHARD_SENT || !is_streamed) continue;
        const uint64_t bytes = region_bytes(&config->shards[s]);
        if (bytes > largest) largest = bytes;
    }
    return TIER_SLOTS * largest;
}

static int place_at_host(const struct tier_placement_config *config, const uint8_t *places,
                         struct host_view *view, struct tier_placement *ret)
{
    struct placement_config host = {.shards = view->shards,
                                    .n_shards = config->n_shards,
                                    .compute_s = view->compute_s,
                                    .budget_bytes = host_room(config, ret),
                                    .disk_bytes_per_s = config->disk_bytes_per_s};
    int rc = placement_compute(&host, view->pinned, &ret->host);
    if (rc == NMOS_E_NOMEM) return rc;
    const uint64_t waiting = waiting_bytes(config, places, view); /* of all, when nothing fits */
    if (rc == 0 && waiting > 0) {
        host.budget_bytes -= waiting < host.budget_bytes ? waiting : host.budget_bytes;
        rc = placement_compute(&host, view->pinned, &ret->host);
        ret->host.ring_bytes += waiting;
    }
    ret->host.least_bytes += waiting;
    if (rc == 0 && config->host_bytes < config->host_fixed_bytes - ret->host_state_bytes) {
        rc = FAIL(NMOS_E_LIMIT, "the host's memory cannot hold what is fixed");
    }
    return rc;
}

int tier_evaluate(const struct tier_placement_config *config, const uint8_t *places,
                  uint8_t *ret_pinned, struct tier_placement *ret)
{
    struct host_view view = {0};
    sum_up(config, places, ret);
    int rc = view_init(&view, config, places);
    if (rc == 0) rc = place_at_host(config, places, &view, ret);
    uint32_t from = 0;
    uint32_t to = 0;
    for (uint32_t s = 0; rc == 0 && s < config->n_shards; s++) {
        for (uint32_t e = 0; e < config->shards[s].n_extents; e++) {
            ret_pinned[to++] = places[s] == SHARD_DEVICE ? 0 : view.pinned[from++];
        }
    }
    view_deinit(&view);
    if (rc < 0) return rc;
    ret->disk_s = (double)ret->host.streamed_bytes / config->disk_bytes_per_s;
    ret->binding = ret->disk_s > ret->compute_s ? TIER_DISK : TIER_COMPUTE;
    ret->pass_s = ret->disk_s > ret->compute_s ? ret->disk_s : ret->compute_s;
    if (ret->link_s > ret->pass_s) {
        ret->binding = TIER_LINK;
        ret->pass_s = ret->link_s;
    }
    return 0;
}

static uint32_t reverse_bits(uint32_t x)
{
    uint32_t y = 0;
    for (int i = 0; i < 32; i++, x >>= 1) y = y << 1 | (x & 1);
    return y;
}

static int compare_spread(const void *a, const void *b)
{
    const uint32_t x = reverse_bits(*(const uint32_t *)a);
    const uint32_t y = reverse_bits(*(const uint32_t *)b);
    return x < y ? -1 : x > y;
}

/* State of the search. */
struct search {
    const struct tier_placement_config *config;
    uint32_t *order; /* [n_order] movable shards */
    uint32_t n_order;
    uint32_t n_sendable; /* they are the first of the order */
    uint8_t *places;     /* [n_shards] scratch */
    uint8_t *pinned;     /* [extents] scratch */
    double *least_s;     /* [n_shards + 1] of each number of sent shards; < 0: not to be tried */
    struct tier_placement best;
    uint32_t best_v; /* NONE: none fits */
    uint32_t best_t;
    struct tier_placement first; /* tried */
    int has_first;
};

static void fill_order(struct search *search)
{
    const struct tier_placement_config *config = search->config;
    for (uint32_t s = 0; s < config->n_shards; s++) {
        if (config->costs[s].can == TIER_CAN_BE_SENT) search->order[search->n_order++] = s;
    }
    search->n_sendable = search->n_order;
    qsort(search->order, search->n_order, sizeof(*search->order), compare_spread);
    for (uint32_t s = 0; s < config->n_shards; s++) {
        if (config->costs[s].can == TIER_CAN_MOVE) search->order[search->n_order++] = s;
    }
}

static void set_places(struct search *search, uint32_t v, uint32_t t)
{
    memset(search->places, SHARD_HOST, search->config->n_shards);
    for (uint32_t i = 0; i < v; i++) search->places[search->order[i]] = SHARD_DEVICE;
    for (uint32_t i = v; i < v + t; i++) search->places[search->order[i]] = SHARD_SENT;
}

/* Looks at one candidate with all that counts; keeps it when it is faster than the best. */
static int try_candidate(struct search *search, uint32_t v, uint32_t t, struct tier_placement *ret)
{
    set_places(search, v, t);
    const int rc = tier_evaluate(search->config, search->places, search->pinned, ret);
    if (!search->has_first) search->first = *ret;
    search->has_first = 1;
    if (rc < 0) return rc;
    if (search->best_v == NONE || ret->pass_s < search->best.pass_s) {
        search->best = *ret;
        search->best_v = v;
        search->best_t = t;
    }
    return 0;
}

/* The number of sent shards with the smallest bound below the best pass; NONE when there is none.
 */
static uint32_t most_promising(const struct search *search, uint32_t n)
{
    uint32_t best = NONE;
    for (uint32_t t = 0; t <= n; t++) {
        if (search->least_s[t] < 0 ||
            (search->best_v != NONE && search->least_s[t] >= search->best.pass_s)) {
            continue;
        }
        if (best == NONE || search->least_s[t] < search->least_s[best]) best = t;
    }
    return best;
}

/* With v shards pinned at the device: sending none, and, unless the disk is sure to bind, sending
 * any number. Whether it is sure to bind depends on v and the host's memory alone, so that more
 * memory never takes a candidate away. Sent ones are more than there are slots: fewer could as well
 * be pinned there. */
static int search_sent(struct search *search, uint32_t v)
{
    const struct tier_placement_config *config = search->config;
    struct tier_placement p;
    set_places(search, v, 0);
    sum_up(config, search->places, &p);
    if (p.device_used_bytes > config->device_bytes) return 0;
    const int is_sure_to_wait = least_disk_s(config, &p) >= p.compute_s;
    if (search->best_v == NONE || least_pass_s(config, &p) < search->best.pass_s) {
        const int rc = try_candidate(search, v, 0, &p);
        if (rc == NMOS_E_NOMEM) return rc;
    }
    if (is_sure_to_wait) return 0;
    const uint32_t n_most = v < search->n_sendable ? search->n_sendable - v : 0;
    for (uint32_t t = 0; t <= n_most; t++) {
        search->least_s[t] = -1;
        if (t <= TIER_SLOTS) continue;
        set_places(search, v, t);
        sum_up(config, search->places, &p);
        if (p.device_used_bytes <= config->device_bytes)
            search->least_s[t] = least_pass_s(config, &p);
    }
    for (;;) {
        const uint32_t t = most_promising(search, n_most);
        if (t == NONE) return 0;
        search->least_s[t] = -1;
        const int rc = try_candidate(search, v, t, &p);
        if (rc == NMOS_E_NOMEM) return rc;
    }
}

static int search_all(struct search *search)
{
    const uint32_t step = 1 + search->n_order / PINNED_COUNTS_MAX;
    for (uint32_t v = search->n_order / step * step;; v -= step) {
        TRY(search_sent(search, v));
        if (v == 0) return 0;
    }
}

int tier_place(const struct tier_placement_config *config, uint8_t *ret_places, uint8_t *ret_pinned,
               struct tier_placement *ret)
{
    struct search search = {
        .config = config, .places = ret_places, .pinned = ret_pinned, .best_v = NONE};
    search.order = mem_calloc(MEM_GENERAL, config->n_shards, sizeof(*search.order));
    search.least_s = mem_calloc(MEM_GENERAL, config->n_shards + 1, sizeof(*search.least_s));
    int rc = search.order && search.least_s ? 0 : NMOS_E_NOMEM;
    if (rc == 0) {
        fill_order(&search);
        rc = search_all(&search);
    }
    if (rc == 0 && search.best_v == NONE) {
        *ret = search.first;
        rc = FAIL(NMOS_E_LIMIT, "too little memory for weights, whatever the device holds");
    } else if (rc == 0) {
        set_places(&search, search.best_v, search.best_t);
        rc = tier_evaluate(config, ret_places, ret_pinned, ret);
    }
    mem_free(search.order);
    mem_free(search.least_s);
    return rc;
}

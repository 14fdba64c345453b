/* SPDX-License-Identifier: MIT */
#include "stream/placement.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SMALL_BYTES      (1U << 20)
/* The ring holds what the disk delivers while a shard is held for computing, and the reads in
 * flight. */
#define RING_SLACK_BYTES (32ULL << 20)

/* One extent in the order of pinning. */
struct candidate {
    uint32_t class;  /* 0 small, 1 head, 2 others */
    uint32_t round;  /* rank by size inside its shard */
    uint32_t spread; /* bit-reversed shard number */
    uint32_t shard_i;
    uint32_t extent_i; /* over all shards */
    uint64_t bytes;    /* of memory, blocks */
};

/* What one shard still streams. */
struct remainder {
    uint64_t bytes;
    uint64_t largest;
};

static uint32_t reverse_bits(uint32_t x)
{
    uint32_t y = 0;
    for (int i = 0; i < 32; i++, x >>= 1) y = y << 1 | (x & 1);
    return y;
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->class != y->class) return x->class < y->class ? -1 : 1;
    if (x->round != y->round) return x->round < y->round ? -1 : 1;
    if (x->spread != y->spread) return x->spread < y->spread ? -1 : 1;
    return x->extent_i < y->extent_i ? -1 : x->extent_i > y->extent_i;
}

static uint64_t memory_of(const struct stream_extent *extent)
{
    const uint64_t begin = extent->offset & ~(uint64_t)(STREAM_ALIGN_MIN - 1);
    return size_round_up(extent->offset + extent->bytes - begin, STREAM_ALIGN_MIN);
}

/* Rank of extent e among the extents of its shard, the largest first. */
static uint32_t rank_of(const struct stream_shard *shard, uint32_t e)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; i < shard->n_extents; i++) {
        const uint64_t other = shard->extents[i].bytes;
        const uint64_t mine = shard->extents[e].bytes;
        rank += other > mine || (other == mine && i < e);
    }
    return rank;
}

/* Ring for what the shards stream: the largest remainder with the gap at the ring's end, what
 * arrives while it is computed (never more than another such shard), and the reads in flight.
 * `least`: without the latter two. */
static uint64_t ring_for(const struct placement_config *config, const struct remainder *remainders,
                         int is_least)
{
    uint64_t ring = 0;
    for (uint32_t s = 0; s < config->n_shards; s++) {
        const struct remainder *r = &remainders[s];
        if (r->bytes == 0) continue;
        uint64_t need = r->bytes + (r->bytes > r->largest ? r->largest : 0);
        if (!is_least) {
            const double arriving = config->compute_s[s] * config->disk_bytes_per_s;
            const uint64_t ahead = arriving < (double)r->bytes ? (uint64_t)arriving : r->bytes;
            need += size_round_up(ahead, STREAM_ALIGN_MIN) + RING_SLACK_BYTES;
        }
        if (need > ring) ring = need;
    }
    return ring;
}

static void unpin_all(const struct placement_config *config, struct remainder *remainders)
{
    memset(remainders, 0, config->n_shards * sizeof(*remainders));
    for (uint32_t s = 0; s < config->n_shards; s++) {
        for (uint32_t e = 0; e < config->shards[s].n_extents; e++) {
            const uint64_t bytes = memory_of(&config->shards[s].extents[e]);
            remainders[s].bytes += bytes;
            if (bytes > remainders[s].largest) remainders[s].largest = bytes;
        }
    }
}

static void fill_candidates(const struct placement_config *config, struct candidate *candidates)
{
    uint32_t n = 0;
    for (uint32_t s = 0; s < config->n_shards; s++) {
        const struct stream_shard *shard = &config->shards[s];
        for (uint32_t e = 0; e < shard->n_extents; e++) {
            const uint64_t bytes = memory_of(&shard->extents[e]);
            const int is_head = s + 1 == config->n_shards;
            candidates[n] = (struct candidate){
                .class = bytes <= SMALL_BYTES ? 0
                         : is_head            ? 1
                                              : 2,
                .round = bytes <= SMALL_BYTES ? 0 : rank_of(shard, e),
                .spread = reverse_bits(s),
                .shard_i = s,
                .extent_i = n,
                .bytes = bytes,
            };
            n++;
        }
    }
    qsort(candidates, n, sizeof(*candidates), compare_candidates);
}

/* Takes a candidate out of what its shard streams. Inside a shard candidates come small ones first,
 * then by falling size, so the next one's size is the largest that is left. */
static void pin(struct remainder *remainders, const struct candidate *candidates, uint32_t n,
                uint32_t i)
{
    struct remainder *r = &remainders[candidates[i].shard_i];
    r->bytes -= candidates[i].bytes;
    if (candidates[i].class == 0 && r->bytes > 0 && r->largest > candidates[i].bytes) return;
    r->largest = 0;
    for (uint32_t k = i + 1; k < n; k++) {
        if (candidates[k].shard_i != candidates[i].shard_i) continue;
        if (candidates[k].bytes > r->largest) r->largest = candidates[k].bytes;
        if (candidates[k].class > 0) break;
    }
}

/* What a beginning of the order needs. */
struct fit {
    uint64_t pinned;
    uint64_t least_ring;
    uint64_t good_ring;
};

/* Needs of all n + 1 beginnings. */
static void compute_fits(const struct placement_config *config, const struct candidate *candidates,
                         uint32_t n, struct remainder *remainders, struct fit *fits)
{
    uint64_t pinned = 0;
    unpin_all(config, remainders);
    for (uint32_t k = 0; k <= n; k++) {
        fits[k] =
            (struct fit){pinned, ring_for(config, remainders, 1), ring_for(config, remainders, 0)};
        if (k == n) break;
        pin(remainders, candidates, n, k);
        pinned += candidates[k].bytes;
    }
}

/* Length of the beginning to pin; n + 1 when none fits. Below the budget at which some beginning
 * has a good ring, the longest one with any ring that works; from there on the longest with a good
 * ring, but never a shorter one than less memory had, so that more memory never streams more. */
static uint32_t choose_fit(const struct fit *fits, uint32_t n, uint64_t budget,
                           uint64_t *ret_least_bytes)
{
    uint64_t least = UINT64_MAX;
    uint64_t good = UINT64_MAX;
    for (uint32_t k = 0; k <= n; k++) {
        if (fits[k].pinned + fits[k].least_ring < least)
            least = fits[k].pinned + fits[k].least_ring;
        if (fits[k].pinned + fits[k].good_ring < good) good = fits[k].pinned + fits[k].good_ring;
    }
    *ret_least_bytes = least;
    uint32_t best = n + 1;
    for (uint32_t k = 0; k <= n; k++) {
        const uint64_t cramped = fits[k].pinned + fits[k].least_ring;
        if (cramped <= budget && cramped < good) best = k;
        if (fits[k].pinned + fits[k].good_ring <= budget) best = k;
    }
    return best;
}

int placement_compute(const struct placement_config *config, uint8_t *ret_pinned,
                      struct placement *ret)
{
    int rc = 0;
    uint32_t n = 0;
    *ret = (struct placement){0};
    for (uint32_t s = 0; s < config->n_shards; s++) {
        n += config->shards[s].n_extents;
        ret->compute_s += config->compute_s[s];
        for (uint32_t e = 0; e < config->shards[s].n_extents; e++) {
            ret->total_bytes += config->shards[s].extents[e].bytes;
        }
    }
    struct candidate *candidates = mem_calloc(MEM_GENERAL, n, sizeof(*candidates));
    struct remainder *remainders = mem_calloc(MEM_GENERAL, config->n_shards, sizeof(*remainders));
    struct fit *fits = mem_calloc(MEM_GENERAL, (size_t)n + 1, sizeof(*fits));
    if (!candidates || !remainders || !fits) {
        rc = NMOS_E_NOMEM;
        goto out;
    }
    fill_candidates(config, candidates);
    compute_fits(config, candidates, n, remainders, fits);
    const uint32_t n_pinned = choose_fit(fits, n, config->budget_bytes, &ret->least_bytes);
    memset(ret_pinned, 0, n);
    ret->streamed_bytes = ret->total_bytes;
    if (n_pinned > n) {
        rc = FAIL(NMOS_E_LIMIT,
                  "%" PRIu64 " bytes for weights are too few: pins and ring need at least %" PRIu64,
                  config->budget_bytes, ret->least_bytes);
        goto out;
    }
    const uint64_t room = config->budget_bytes - fits[n_pinned].pinned;
    ret->pinned_bytes = fits[n_pinned].pinned;
    ret->ring_bytes = fits[n_pinned].good_ring < room ? fits[n_pinned].good_ring : room;
    for (uint32_t i = 0; i < n_pinned; i++) ret_pinned[candidates[i].extent_i] = 1;
    uint32_t i = 0;
    for (uint32_t s = 0; s < config->n_shards; s++) {
        for (uint32_t e = 0; e < config->shards[s].n_extents; e++, i++) {
            if (ret_pinned[i]) ret->streamed_bytes -= config->shards[s].extents[e].bytes;
        }
    }
    ret->disk_s = (double)ret->streamed_bytes / config->disk_bytes_per_s;
    ret->binding = ret->disk_s > ret->compute_s ? PLACEMENT_DISK : PLACEMENT_COMPUTE;
    ret->pass_s = ret->disk_s > ret->compute_s ? ret->disk_s : ret->compute_s;
out:
    mem_free(candidates);
    mem_free(remainders);
    mem_free(fits);
    return rc;
}

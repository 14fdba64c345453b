/* SPDX-License-Identifier: MIT */
/*
 * Reads of the expert cache: what to ask for next, and what became of it.
 *
 * Wanted experts go first, one after the other, as deep as the queue is. Guesses go only while no
 * wanted expert is missing or on its way, and few bytes at a time, because a read that has been
 * handed to the disk cannot be called back. What is read ahead because it is hot goes last; an
 * expert of which a part is there when others are wanted waits for these.
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "stream/expert_cache_internal.h"

/* What is read for nobody has to be hotter by this than what gives way to it, in log2. */
#define REPLACE_GAIN 0.5

static void account_time(struct expert_cache *cache)
{
    const uint64_t now_ns = clock_ns();
    if (cache->bytes_in_flight > 0) cache->stats.busy_ns += now_ns - cache->stats_ns;
    cache->stats_ns = now_ns;
}

static const struct expert_layer *layer_of(const struct expert_cache *cache,
                                           const struct expert_slot *slot)
{
    return &cache->layers[slot->key / cache->n_experts];
}

/* Where the bytes of a part lie in its file. */
static uint64_t part_offset(const struct expert_cache *cache, const struct expert_slot *slot,
                            const struct expert_part *part)
{
    return part->offset + slot->key % cache->n_experts * part->bytes;
}

char *expert_part_memory(const struct expert_cache *cache, const struct expert_slot *slot,
                         uint32_t p)
{
    const struct expert_layer *layer = layer_of(cache, slot);
    char *at = slot->memory;
    for (uint32_t i = 0; i < p; i++) at += expert_part_room(&layer->parts[i], cache->align);
    return at + part_offset(cache, slot, &layer->parts[p]) % cache->align;
}

static void free_slot(struct expert_slot *slot)
{
    slot->state = EXPERT_FREE;
    slot->key = EXPERT_NONE;
}

void expert_reads_doom(struct expert_cache *cache, struct expert_slot *slot)
{
    if (slot == cache->filling) cache->filling = NULL;
    if (slot == cache->paused) cache->paused = NULL;
    if (slot->is_wanted) cache->visit.n_loading--;
    if (slot->is_ahead) cache->visit.n_ahead--;
    slot->is_ahead = false;
    cache->slot_of[slot->key] = EXPERT_NONE;
    slot->is_wanted = false;
    slot->is_guess = false;
    slot->state = EXPERT_DOOMED;
    if (slot->n_pending == 0) free_slot(slot);
}

static void fail(struct expert_cache *cache, struct expert_slot *slot, int status,
                 const char *message)
{
    if (slot->state != EXPERT_LOADING) return; /* given up already */
    const uint32_t layer_i = slot->key / cache->n_experts;
    const uint32_t expert_i = slot->key % cache->n_experts;
    LOG_INFO("blk.%" PRIu32 ", expert %" PRIu32 ": %s", layer_i, expert_i, message);
    if (slot->is_wanted && cache->failure_status == 0) {
        cache->failure_status = status;
        snprintf(cache->failure, sizeof(cache->failure), "blk.%" PRIu32 ", expert %" PRIu32 ": %s",
                 layer_i, expert_i, message);
    }
    expert_reads_doom(cache, slot);
}

/* Begins to load an expert into a slot. */
static void place(struct expert_cache *cache, struct expert_slot *slot, uint32_t key)
{
    *slot = (struct expert_slot){.memory = slot->memory, .key = key, .state = EXPERT_LOADING};
    cache->slot_of[key] = (uint32_t)(slot - cache->slots);
}

/* A slot for an expert that is wanted, at the cost of one that is half read for nobody if need be:
 * nothing else would ever give its slot back. */
static struct expert_slot *slot_for_wanted(struct expert_cache *cache, uint32_t class_i)
{
    struct expert_slot *slot = expert_take_slot(cache, class_i, /* is_guess= */ false, INFINITY);
    struct expert_slot *paused = cache->paused;
    if (slot || !paused || cache->class_of[paused->key / cache->n_experts] != class_i) return slot;
    expert_reads_doom(cache, paused);
    return expert_take_slot(cache, class_i, /* is_guess= */ false, INFINITY);
}

static struct expert_slot *next_wanted(struct expert_cache *cache)
{
    struct expert_visit *visit = &cache->visit;
    uint32_t i = 0;
    if (visit->n_ahead == EXPERT_AHEAD_MAX) return NULL;
    while (visit->state[i] != WANTED_MISSING) i++;
    struct expert_slot *slot = slot_for_wanted(cache, cache->class_of[visit->layer_i]);
    if (!slot) return NULL;
    place(cache, slot, visit->layer_i * cache->n_experts + visit->experts[i]);
    slot->is_wanted = true;
    slot->is_ahead = true;
    visit->n_ahead++;
    visit->state[i] = WANTED_PLACED;
    visit->n_missing--;
    visit->n_loading++;
    return slot;
}

static struct expert_slot *next_guess(struct expert_cache *cache)
{
    struct expert_guess *guess = &cache->guess;
    if (guess->layer_i == EXPERT_NONE) return NULL;
    for (; guess->n_issued < guess->n; guess->n_issued++) {
        uint32_t *expert = &guess->experts[guess->n_issued];
        const uint32_t key = guess->layer_i * cache->n_experts + *expert;
        if (cache->slot_of[key] != EXPERT_NONE) {
            *expert = EXPERT_NONE; /* there already: no guess to be proud of */
            continue;
        }
        struct expert_slot *slot = expert_take_slot(cache, cache->class_of[guess->layer_i],
                                                    /* is_guess= */ true, INFINITY);
        if (!slot) return NULL;
        guess->n_issued++;
        place(cache, slot, key);
        slot->is_guess = true;
        return slot;
    }
    return NULL;
}

/* An expert of those to be read ahead, if there is a slot for it. */
static struct expert_slot *next_listed(struct expert_cache *cache)
{
    while (cache->next_listed < cache->n_listed) {
        const uint32_t key = cache->list[cache->next_listed++];
        const uint32_t class_i = cache->class_of[key / cache->n_experts];
        const bool is_expected = cache->list_replaces;
        if (cache->slot_of[key] != EXPERT_NONE) continue;
        const double log_heat =
            expert_policy_log_heat(&cache->policy, key / cache->n_experts, key % cache->n_experts);
        struct expert_slot *slot =
            is_expected
                ? expert_take_slot(cache, class_i, /* is_guess= */ true, log_heat - REPLACE_GAIN)
                : expert_free_slot(cache, class_i);
        if (!slot) continue;
        place(cache, slot, key);
        slot->is_expected = is_expected;
        *(is_expected ? &cache->stats.n_expected : &cache->stats.n_learned) += 1;
        return slot;
    }
    return NULL;
}

void expert_reads_put_wanted_first(struct expert_cache *cache)
{
    if (cache->filling && !cache->filling->is_wanted) {
        assert(!cache->paused); /* it goes on before anything else is begun for nobody */
        cache->paused = cache->filling;
        cache->filling = NULL;
    }
    if (cache->paused && cache->paused->is_wanted) {
        assert(!cache->filling);
        cache->filling = cache->paused;
        cache->paused = NULL;
    }
}

/* The slot to ask for next; NULL when there is nothing to ask for. */
static struct expert_slot *next_slot(struct expert_cache *cache)
{
    if (cache->filling && cache->filling->is_wanted) return cache->filling;
    if (!cache->filling && cache->visit.n_missing > 0) return next_wanted(cache);
    if (cache->visit.n_loading > 0 || cache->bytes_in_flight >= cache->idle_bytes_max) return NULL;
    if (!cache->filling) {
        cache->filling = cache->paused;
        cache->paused = NULL;
    }
    if (cache->filling) return cache->filling;
    struct expert_slot *slot = next_guess(cache);
    return slot ? slot : next_listed(cache);
}

/* Asks for the next piece of a slot. */
static void submit(struct expert_cache *cache, struct expert_slot *slot)
{
    const struct expert_part *part = &layer_of(cache, slot)->parts[slot->part];
    const uint64_t begin = part_offset(cache, slot, part);
    const uint64_t shift = begin % cache->align;
    const uint64_t region_bytes = size_round_up(shift + part->bytes, cache->align);
    const uint64_t left = region_bytes - slot->issued;
    const uint32_t n_bytes = left < cache->read_bytes ? (uint32_t)left : cache->read_bytes;
    const struct ioq_read read = {
        .offset = begin - shift + slot->issued,
        .bytes = n_bytes,
        .file_i = part->file_i,
        .dst = expert_part_memory(cache, slot, slot->part) - shift + slot->issued,
        .tag = (uint64_t)(uintptr_t)slot,
    };
    account_time(cache);
    const uint64_t touch_ns = mem_touch_begin();
    const int rc = ioq_submit(cache->ioq, &read);
    mem_touch_end(cache->memory, touch_ns, n_bytes);
    if (rc < 0) {
        fail(cache, slot, rc, error_message());
        return;
    }
    slot->issued += n_bytes;
    if (slot->issued == region_bytes) {
        slot->issued = 0;
        slot->part++;
    }
    cache->filling = slot->part < EXPERT_PARTS ? slot : NULL;
    slot->n_pending++;
    cache->bytes_in_flight += n_bytes;
    cache->stats.bytes_read += n_bytes;
}

void expert_reads_issue(struct expert_cache *cache)
{
    while (ioq_in_flight(cache->ioq) < ioq_depth(cache->ioq)) {
        struct expert_slot *slot = next_slot(cache);
        if (!slot) return;
        submit(cache, slot);
    }
}

/* All bytes are there: they count if the file is still the one that was opened. */
static void complete(struct expert_cache *cache, struct expert_slot *slot)
{
    const struct expert_layer *layer = layer_of(cache, slot);
    for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
        if (p > 0 && layer->parts[p].file_i == layer->parts[p - 1].file_i) continue;
        const int rc = file_check_unchanged(cache->files[layer->parts[p].file_i]);
        if (rc < 0) {
            fail(cache, slot, rc, error_message());
            return;
        }
    }
    slot->state = EXPERT_READY;
    if (slot->is_wanted) cache->visit.n_loading--;
}

void expert_reads_reap(struct expert_cache *cache, uint32_t timeout_ms)
{
    struct ioq_done done[IOQ_DEPTH_MAX];
    if (cache->bytes_in_flight == 0) return;
    const uint32_t n = ioq_reap(cache->ioq, done, IOQ_DEPTH_MAX, timeout_ms);
    if (n == 0) return;
    account_time(cache);
    cache->progress_ns = cache->stats_ns;
    for (uint32_t i = 0; i < n; i++) {
        struct expert_slot *slot = (struct expert_slot *)(uintptr_t)done[i].tag;
        slot->n_pending--;
        cache->bytes_in_flight -= done[i].n_bytes;
        cache->stats.n_retries += done[i].n_retries;
        if (done[i].status < 0) fail(cache, slot, done[i].status, done[i].message);
        if (slot->n_pending > 0) continue;
        if (slot->state == EXPERT_DOOMED) {
            free_slot(slot);
        } else if (slot->state == EXPERT_LOADING && slot->part == EXPERT_PARTS) {
            complete(cache, slot);
        }
    }
}

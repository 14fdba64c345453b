/* SPDX-License-Identifier: MIT */
#include "stream/expert_cache.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "stream/expert_cache_internal.h"
#include "stream/stream.h"

#define READ_BYTES_DEFAULT     (4U << 20)
#define STALL_LIMIT_MS_DEFAULT 60000U
#define GUESS_MEMORY           64.0 /* guesses */
#define WRONG_SHARE            12U  /* wrong guesses: no more than 1 / this of all experts read */
#define GUESS_PAUSE_MIN        256U /* visits */
#define GUESS_PAUSE_MAX        (1U << 20)
#define LOOK_AROUND_MS         50U /* how often a waiting caller looks at the clock and its flag */

static int check_layer(const struct expert_cache_config *config, uint32_t layer_i)
{
    for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
        const struct expert_part *part = &config->layers[layer_i].parts[p];
        uint64_t bytes = 0;
        if (part->file_i >= config->n_files) {
            return FAIL(NMOS_E_INVALID, "experts of blk.%u: file %u of %u", layer_i, part->file_i,
                        config->n_files);
        }
        const struct file *file = config->files[part->file_i];
        if (part->bytes == 0 || __builtin_mul_overflow(part->bytes, config->n_experts, &bytes) ||
            part->offset > file->bytes || bytes > file->bytes - part->offset) {
            return FAIL(NMOS_E_INVALID,
                        "experts of blk.%u: %u times %" PRIu64 " bytes at offset %" PRIu64
                        " do not lie in %s of %" PRIu64 " bytes",
                        layer_i, config->n_experts, part->bytes, part->offset, file->path,
                        file->bytes);
        }
    }
    return 0;
}

static int cut_memory(struct expert_cache *cache, const struct expert_cache_config *config)
{
    struct expert_classes *classes = &cache->classes;
    expert_classes_plan(config->layers, config->n_layers, config->n_experts, cache->align,
                        config->n_slots_min, config->bytes, classes);
    if (classes->bytes > config->bytes) {
        return FAIL(NMOS_E_LIMIT,
                    "%" PRIu64 " bytes cannot hold %u experts of each size; %" PRIu64
                    " bytes would",
                    config->bytes, config->n_slots_min, classes->bytes);
    }
    cache->slots = mem_calloc(MEM_GENERAL, classes->n_slots, sizeof(cache->slots[0]));
    cache->list = mem_calloc(MEM_GENERAL, classes->n_slots, sizeof(cache->list[0]));
    cache->memory = mem_alloc(MEM_WEIGHTS, classes->bytes, cache->align);
    if (!cache->slots || !cache->list || !cache->memory) return NMOS_E_NOMEM;
    char *at = cache->memory;
    for (uint32_t c = 0; c < classes->n; c++) {
        const struct expert_class *class = &classes->of[c];
        for (uint32_t i = 0; i < class->n_slots; i++) {
            cache->slots[class->first_slot + i] =
                (struct expert_slot){.memory = at, .key = EXPERT_NONE};
            at += class->slot_bytes;
        }
    }
    cache->stats.n_slots = classes->n_slots;
    cache->stats.slot_bytes = classes->bytes;
    return 0;
}

static int open_intents(struct expert_cache *cache, const struct expert_cache_config *config)
{
    cache->intents = mem_calloc(MEM_GENERAL, config->n_intents + 1, sizeof(cache->intents[0]));
    if (!cache->intents) return NMOS_E_NOMEM;
    for (; cache->n_intents < config->n_intents; cache->n_intents++) {
        TRY(expert_policy_init(&cache->intents[cache->n_intents].habits, config->n_layers,
                               config->n_experts, EXPERT_HABIT_LIFE));
    }
    return 0;
}

static int open_parts(struct expert_cache *cache, const struct expert_cache_config *config)
{
    const size_t n_keys = (size_t)config->n_layers * config->n_experts;
    cache->align = STREAM_ALIGN_MIN;
    for (uint32_t i = 0; i < config->n_files; i++) {
        if (config->files[i]->align > cache->align) cache->align = config->files[i]->align;
    }
    for (uint32_t l = 0; l < config->n_layers; l++) TRY(check_layer(config, l));
    TRY(expert_policy_init(&cache->policy, config->n_layers, config->n_experts, EXPERT_HALF_LIFE));
    TRY(expert_policy_init(&cache->habits, config->n_layers, config->n_experts, EXPERT_HABIT_LIFE));
    TRY(open_intents(cache, config));
    cache->expected = mem_calloc(MEM_GENERAL, n_keys, sizeof(cache->expected[0]));
    cache->expected_at = mem_calloc(MEM_GENERAL, config->n_layers, sizeof(cache->expected_at[0]));
    cache->ranks = mem_calloc(MEM_GENERAL, n_keys, sizeof(cache->ranks[0]));
    cache->layers = mem_calloc(MEM_GENERAL, config->n_layers, sizeof(cache->layers[0]));
    cache->class_of = mem_calloc(MEM_GENERAL, config->n_layers, sizeof(cache->class_of[0]));
    cache->slot_of = mem_calloc(MEM_GENERAL, n_keys, sizeof(cache->slot_of[0]));
    cache->visit.state = mem_calloc(MEM_GENERAL, config->n_experts, 1);
    cache->guess.experts = mem_calloc(MEM_GENERAL, config->n_experts, sizeof(uint32_t));
    if (!cache->expected || !cache->expected_at || !cache->ranks || !cache->layers ||
        !cache->class_of || !cache->slot_of || !cache->visit.state || !cache->guess.experts) {
        return NMOS_E_NOMEM;
    }
    memcpy(cache->layers, config->layers, config->n_layers * sizeof(cache->layers[0]));
    memset(cache->slot_of, 0xff, n_keys * sizeof(cache->slot_of[0]));
    TRY(cut_memory(cache, config));
    for (uint32_t l = 0; l < config->n_layers; l++) {
        cache->class_of[l] = expert_class_of(&cache->classes, &cache->layers[l], cache->align);
    }
    return 0;
}

int expert_cache_open(const struct expert_cache_config *config, struct expert_cache **ret_cache)
{
    struct expert_cache *cache = mem_calloc(MEM_GENERAL, 1, sizeof(*cache));
    if (!cache) return NMOS_E_NOMEM;
    cache->files = config->files;
    cache->ioq = config->ioq;
    cache->n_layers = config->n_layers;
    cache->n_experts = config->n_experts;
    cache->n_used = config->n_used;
    cache->n_slots_min = config->n_slots_min;
    cache->read_bytes = config->read_bytes ? config->read_bytes : READ_BYTES_DEFAULT;
    cache->stall_limit_ms =
        config->stall_limit_ms ? config->stall_limit_ms : STALL_LIMIT_MS_DEFAULT;
    cache->on_reused = config->on_reused;
    cache->on_reused_arg = config->on_reused_arg;
    cache->visit.lent_i = EXPERT_NONE;
    cache->guess.layer_i = EXPERT_NONE;
    cache->guess.next_pause = GUESS_PAUSE_MIN;
    cache->idle_bytes_max = EXPERT_IDLE_BYTES;
    cache->stats_ns = clock_ns();
    const int rc = open_parts(cache, config);
    if (rc < 0) {
        expert_cache_close(&cache);
        return rc;
    }
    *ret_cache = cache;
    return 0;
}

void expert_cache_close(struct expert_cache **cache)
{
    if (!cache || !*cache) return;
    struct expert_cache *c = *cache;
    if (c->bytes_in_flight > 0) ioq_cancel_all(c->ioq);
    while (c->bytes_in_flight > 0) expert_reads_reap(c, LOOK_AROUND_MS);
    expert_policy_deinit(&c->policy);
    expert_policy_deinit(&c->habits);
    for (uint32_t i = 0; i < c->n_intents; i++) expert_policy_deinit(&c->intents[i].habits);
    mem_free(c->intents);
    mem_free(c->expected);
    mem_free(c->expected_at);
    mem_free(c->ranks);
    mem_free(c->list);
    mem_free(c->layers);
    mem_free(c->class_of);
    mem_free(c->slot_of);
    mem_free(c->visit.state);
    mem_free(c->guess.experts);
    mem_free(c->slots);
    mem_free(c->memory);
    mem_free(c);
    *cache = NULL;
}

struct expert_slot *expert_free_slot(struct expert_cache *cache, uint32_t class_i)
{
    const struct expert_class *class = &cache->classes.of[class_i];
    for (uint32_t i = 0; i < class->n_slots; i++) {
        struct expert_slot *slot = &cache->slots[class->first_slot + i];
        if (slot->state == EXPERT_FREE) return slot;
    }
    return NULL;
}

struct expert_slot *expert_take_slot(struct expert_cache *cache, uint32_t class_i, bool is_guess,
                                     double worth_most)
{
    const struct expert_class *class = &cache->classes.of[class_i];
    struct expert_slot *best = NULL;
    struct expert_slot *best_guess = NULL; /* another guess, which only a wanted expert may evict */
    double best_worth = worth_most;
    for (uint32_t i = 0; i < class->n_slots; i++) {
        struct expert_slot *slot = &cache->slots[class->first_slot + i];
        if (slot->state == EXPERT_FREE) return slot;
        if (slot->state != EXPERT_READY || slot->is_wanted) continue;
        if (slot->is_guess) {
            if (!is_guess) best_guess = slot;
            continue;
        }
        const double worth =
            expert_policy_worth(&cache->policy, cache->last_layer_i, slot->key / cache->n_experts,
                                slot->key % cache->n_experts);
        if (worth >= best_worth) continue;
        best = slot;
        best_worth = worth;
    }
    if (!best) best = best_guess;
    if (best) cache->slot_of[best->key] = EXPERT_NONE;
    return best;
}

static struct expert_slot *slot_of(const struct expert_cache *cache, uint32_t layer_i,
                                   uint32_t expert_i)
{
    const uint32_t i = cache->slot_of[(size_t)layer_i * cache->n_experts + expert_i];
    return i == EXPERT_NONE ? NULL : &cache->slots[i];
}

int expert_cache_has(const struct expert_cache *cache, uint32_t layer_i, uint32_t expert_i)
{
    return slot_of(cache, layer_i, expert_i) != NULL;
}

/* A wanted expert finds its slot, or has to be read. */
static void want(struct expert_cache *cache, uint32_t i)
{
    struct expert_visit *visit = &cache->visit;
    struct expert_slot *slot = slot_of(cache, visit->layer_i, visit->experts[i]);
    visit->state[i] = slot ? WANTED_PLACED : WANTED_MISSING;
    cache->stats.n_wanted++;
    if (!slot) {
        visit->n_missing++;
        cache->stats.n_missing++;
        return;
    }
    slot->is_wanted = true;
    visit->n_loading += slot->state == EXPERT_LOADING;
}

/* A wrong guess may delay what is wanted by as much as a right one gains. So guesses pause when
 * fewer than half of the last GUESS_MEMORY or so were right, each time for twice as long. */
static void count_guess(struct expert_cache *cache, bool is_right)
{
    struct expert_guess *guess = &cache->guess;
    cache->stats.n_guessed++;
    cache->stats.n_guessed_well += is_right;
    guess->n_lately += 1 - guess->n_lately / GUESS_MEMORY;
    guess->n_right_lately += is_right - guess->n_right_lately / GUESS_MEMORY;
    if (guess->n_lately < GUESS_MEMORY / 2 || guess->n_right_lately * 2 >= guess->n_lately) return;
    guess->n_lately = 0;
    guess->n_right_lately = 0;
    guess->pause = guess->next_pause;
    if (guess->next_pause < GUESS_PAUSE_MAX) guess->next_pause *= 2;
    LOG_INFO("guessing of experts pauses for %u layers", guess->pause);
}

/* Compares what was guessed with what is wanted now. A guess that is only half asked for and not
 * wanted is given up. */
static void judge_guess(struct expert_cache *cache)
{
    struct expert_guess *guess = &cache->guess;
    for (uint32_t i = 0; guess->layer_i != EXPERT_NONE && i < guess->n_issued; i++) {
        if (guess->experts[i] == EXPERT_NONE) continue;
        struct expert_slot *slot = slot_of(cache, guess->layer_i, guess->experts[i]);
        const bool is_right = slot && slot->is_guess && slot->is_wanted;
        count_guess(cache, is_right);
        if (!slot || !slot->is_guess) continue;
        slot->is_guess = false;
        if (slot == cache->filling && !slot->is_wanted) expert_reads_doom(cache, slot);
    }
    guess->layer_i = EXPERT_NONE;
    guess->n = 0;
    guess->n_issued = 0;
}

/* A guess costs time to make and may be wrong: it is worth that while passes mostly wait. */
static void note_pass(struct expert_cache *cache)
{
    const uint64_t now_ns = clock_ns();
    const uint64_t stall_ns = cache->stats.stall_ns - cache->pass_stall_ns;
    cache->is_waiting = 2 * stall_ns > now_ns - cache->pass_began_ns;
    cache->pass_began_ns = now_ns;
    cache->pass_stall_ns = cache->stats.stall_ns;
}

void expert_cache_begin(struct expert_cache *cache, uint32_t layer_i, const uint32_t *experts,
                        const uint32_t *n_rows, uint32_t n, uint32_t n_pass_rows)
{
    struct expert_visit *visit = &cache->visit;
    assert(visit->n == 0 && n <= cache->n_experts && layer_i < cache->n_layers);
    if (cache->on_visit) {
        cache->on_visit(cache->on_visit_arg, layer_i, experts, n_rows, n, n_pass_rows);
    }
    if (layer_i <= cache->last_layer_i) {
        note_pass(cache);
        expert_cache_count_bytes(cache, n_pass_rows);
        if (n_pass_rows == 1) expert_reuse_advance(&cache->reuse);
    }
    if (n_pass_rows == 1) expert_cache_count_reuse(cache, layer_i, experts, n);
    cache->count.n_wanted += n;
    expert_policy_advance(&cache->policy, layer_i, n_pass_rows);
    expert_policy_advance(&cache->habits, layer_i, n_pass_rows);
    cache->last_layer_i = layer_i;
    visit->experts = experts;
    visit->layer_i = layer_i;
    visit->n = n;
    visit->n_left = n;
    cache->failure_status = 0;
    for (uint32_t i = 0; i < n; i++) {
        want(cache, i);
        expert_policy_use(&cache->policy, layer_i, experts[i], n_rows[i]);
        expert_policy_use(&cache->habits, layer_i, experts[i], n_rows[i]);
    }
    judge_guess(cache);
    expert_reads_put_wanted_first(cache);
    if (cache->guess.pause > 0) cache->guess.pause--;
    expert_reads_reap(cache, 0);
    expert_reads_issue(cache);
}

/* What was lent last is given back. */
static void take_back(struct expert_cache *cache)
{
    struct expert_visit *visit = &cache->visit;
    if (visit->lent_i == EXPERT_NONE) return;
    slot_of(cache, visit->layer_i, visit->experts[visit->lent_i])->is_wanted = false;
    visit->state[visit->lent_i] = WANTED_DONE;
    visit->lent_i = EXPERT_NONE;
}

/* An expert that stays is worth some work: its matrices are aligned and rearranged. */
static void rearrange(struct expert_cache *cache, struct expert_slot *slot)
{
    const uint32_t layer_i = slot->key / cache->n_experts;
    for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
        char *data = expert_part_memory(cache, slot, p);
        const size_t shift = (uintptr_t)data % MEM_ALIGN_VECTOR;
        if (shift > 0) memmove(data - shift, data, cache->layers[layer_i].parts[p].bytes);
        cache->on_reused(cache->on_reused_arg, layer_i, p, data - shift);
    }
    slot->is_rearranged = true;
}

static void make_loan(struct expert_cache *cache, struct expert_slot *slot, uint32_t i,
                      struct expert_loan *ret_loan)
{
    if (slot->is_used && !slot->is_rearranged && cache->on_reused) rearrange(cache, slot);
    slot->is_used = true;
    cache->stats.n_expected_well += slot->is_expected;
    slot->is_expected = false;
    ret_loan->i = i;
    ret_loan->is_rearranged = slot->is_rearranged;
    for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
        char *data = expert_part_memory(cache, slot, p);
        ret_loan->data[p] = slot->is_rearranged ? data - (uintptr_t)data % MEM_ALIGN_VECTOR : data;
    }
}

/* Lends a wanted expert that is in memory, if there is one. */
static bool lend(struct expert_cache *cache, struct expert_loan *ret_loan)
{
    struct expert_visit *visit = &cache->visit;
    for (uint32_t i = 0; i < visit->n; i++) {
        if (visit->state[i] != WANTED_PLACED) continue;
        struct expert_slot *slot = slot_of(cache, visit->layer_i, visit->experts[i]);
        if (!slot || slot->state != EXPERT_READY) continue;
        make_loan(cache, slot, i, ret_loan);
        visit->n_ahead -= slot->is_ahead;
        slot->is_ahead = false;
        visit->state[i] = WANTED_LENT;
        visit->lent_i = i;
        visit->n_left--;
        return true;
    }
    return false;
}

static int check_patience(const struct expert_cache *cache, const _Atomic int *cancel,
                          uint64_t start_ns)
{
    const uint32_t layer_i = cache->visit.layer_i;
    if (cancel && atomic_load_explicit(cancel, memory_order_relaxed)) {
        return FAIL(NMOS_E_CANCELLED, "reading experts of blk.%u was cancelled", layer_i);
    }
    const uint64_t since_ns = cache->progress_ns > start_ns ? cache->progress_ns : start_ns;
    const uint64_t now_ns = clock_ns();
    if (now_ns > since_ns && (now_ns - since_ns) / 1000000U >= cache->stall_limit_ms) {
        return FAIL(NMOS_E_IO, "experts of blk.%u: the disk has not answered for %u ms", layer_i,
                    cache->stall_limit_ms);
    }
    return 0;
}

int expert_cache_next(struct expert_cache *cache, const _Atomic int *cancel,
                      struct expert_loan *ret_loan)
{
    int rc = 0;
    const uint32_t timeout_ms =
        cache->stall_limit_ms < LOOK_AROUND_MS ? cache->stall_limit_ms : LOOK_AROUND_MS;
    take_back(cache);
    expert_reads_reap(cache, 0);
    expert_reads_issue(cache);
    if (cache->visit.n_left == 0) return 0;
    if (cache->failure_status < 0) return FAIL(cache->failure_status, "%s", cache->failure);
    if (lend(cache, ret_loan)) return 1;
    const uint64_t start_ns = clock_ns();
    for (;;) {
        rc = check_patience(cache, cancel, start_ns);
        if (rc < 0) break;
        expert_reads_reap(cache, timeout_ms);
        expert_reads_issue(cache);
        if (cache->failure_status < 0) {
            rc = FAIL(cache->failure_status, "%s", cache->failure);
            break;
        }
        if (!lend(cache, ret_loan)) continue;
        rc = 1;
        break;
    }
    cache->stats.stall_ns += clock_ns() - start_ns;
    return rc;
}

uint32_t expert_cache_layer(const struct expert_cache *cache)
{
    return cache->last_layer_i;
}

void expert_cache_end(struct expert_cache *cache)
{
    struct expert_visit *visit = &cache->visit;
    take_back(cache);
    for (uint32_t i = 0; i < visit->n; i++) {
        if (visit->state[i] != WANTED_PLACED) continue;
        struct expert_slot *slot = slot_of(cache, visit->layer_i, visit->experts[i]);
        if (!slot) continue; /* it failed */
        if (slot == cache->filling) {
            expert_reads_doom(cache, slot);
        } else {
            slot->is_wanted = false;
            slot->is_ahead = false;
        }
    }
    visit->n_ahead = 0;
    visit->n = 0;
    visit->n_left = 0;
    visit->n_missing = 0;
    visit->n_loading = 0;
}

void expert_cache_guess(struct expert_cache *cache, uint32_t layer_i, const uint32_t *experts,
                        uint32_t n)
{
    struct expert_guess *guess = &cache->guess;
    assert(n <= cache->n_experts && layer_i < cache->n_layers);
    judge_guess(cache);
    guess->layer_i = layer_i;
    guess->n = n;
    memcpy(guess->experts, experts, n * sizeof(experts[0]));
    expert_cache_poll(cache);
}

int expert_cache_wants_guess(const struct expert_cache *cache)
{
    const struct expert_stats *stats = &cache->stats;
    const uint64_t n_wrong = stats->n_guessed - stats->n_guessed_well;
    if (cache->guessing != EXPERT_GUESS_WHERE_IT_PAYS) {
        return cache->guessing == EXPERT_GUESS_ALWAYS;
    }
    return cache->is_waiting && cache->guess.pause == 0 &&
           n_wrong * WRONG_SHARE <= stats->n_missing + stats->n_guessed;
}

void expert_cache_poll(struct expert_cache *cache)
{
    expert_reads_reap(cache, 0);
    expert_reads_issue(cache);
}

void expert_cache_rest(struct expert_cache *cache)
{
    cache->idle_bytes_max = EXPERT_REST_BYTES;
    expert_cache_poll(cache);
    cache->idle_bytes_max = EXPERT_IDLE_BYTES;
}

void expert_cache_watch(struct expert_cache *cache, expert_watch_fn fn, void *arg)
{
    cache->on_visit = fn;
    cache->on_visit_arg = arg;
}

int expert_cache_is_reading(const struct expert_cache *cache)
{
    return cache->bytes_in_flight > 0;
}

void expert_cache_stats(struct expert_cache *cache, struct expert_stats *ret_stats)
{
    *ret_stats = cache->stats;
}

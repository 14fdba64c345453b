/* SPDX-License-Identifier: MIT */
/* Proves that pages of which a quarter are in memory hold what a naive model of sessions says,
 * under random append, fork and truncate, on a disk that gives short reads, errors and no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "io/ioq.h"
#include "io/ioq_sim.h"
#include "kv/page_spill.h"
#include "kv/page_stage.h"
#include "kv/page_table.h"

#define N_SESSIONS  6
#define PAGE_TOKENS 4
#define CTX         64
#define N_PAGES     40U
#define N_FRAMES    10U
#define PAGE_BYTES  8192U /* two layers */
#define PART_BYTES  4096U
#define N_SLOTS     3U
#define STEPS       300

/* The naive model: every session is an array of tokens. A page holds each token in both layers. */
struct world {
    unsigned char disk[N_PAGES * PAGE_BYTES];
    struct page_pool pool;
    struct kv_table tables[N_SESSIONS];
    int tokens[N_SESSIONS][CTX];
    struct file file;
    struct ioq *page_ioq, *stage_ioq;
    struct page_spill *spill;
    struct page_stage *stage;
    uint64_t rng;
    int next_token;
    uint32_t p_full; /* chance of a write that finds no room, in 1/256 */
    uint32_t n_full; /* such writes */
    uint32_t n_failed;
};

static uint32_t random_below(struct world *w, uint32_t n)
{
    w->rng = w->rng * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(w->rng >> 33) % n;
}

static int write_page(void *arg, uint64_t offset, uint64_t n_bytes, const void *bytes)
{
    struct world *w = arg;
    assert_true(offset % PAGE_BYTES == 0 && offset + n_bytes <= sizeof(w->disk));
    if (random_below(w, 256) < w->p_full) {
        w->n_full++;
        memset(w->disk + offset, 0xee, n_bytes / 2); /* a part of it may have got there */
        return FAIL(NMOS_E_IO, "the disk is full");
    }
    memcpy(w->disk + offset, bytes, n_bytes);
    return 0;
}

static void open_world(struct world *w, uint64_t seed, struct ioq_sim_config faults)
{
    static const unsigned char *data;
    static struct file *file;
    memset(w, 0, sizeof(*w));
    w->rng = seed;
    w->file = ioq_sim_file(sizeof(w->disk), 4096);
    file = &w->file;
    data = w->disk;
    faults.data = &data;
    faults.seed = seed;
    assert_int_equal(page_pool_init(&w->pool, N_PAGES, PAGE_TOKENS), 0);
    assert_int_equal(ioq_open_sim(&faults, &file, 1, 4, &w->page_ioq), 0);
    assert_int_equal(ioq_open_sim(&faults, &file, 1, N_SLOTS, &w->stage_ioq), 0);
    const struct page_spill_config config = {.pool = &w->pool,
                                             .n_frames = N_FRAMES,
                                             .page_bytes = PAGE_BYTES,
                                             .ioq = w->page_ioq,
                                             .write = write_page,
                                             .write_arg = w};
    const struct page_stage_config stage = {
        .ioq = w->stage_ioq, .n_slots = N_SLOTS, .part_bytes = PART_BYTES};
    assert_int_equal(page_spill_create(&config, &w->spill), 0);
    assert_int_equal(page_stage_create(&stage, &w->stage), 0);
    for (int s = 0; s < N_SESSIONS; s++) {
        assert_int_equal(kv_table_init(&w->tables[s], &w->pool, PAGE_TOKENS, CTX, 0), 0);
    }
}

static void close_world(struct world *w)
{
    for (int s = 0; s < N_SESSIONS; s++) kv_table_deinit(&w->tables[s]);
    assert_int_equal(w->pool.n_free, N_PAGES);
    assert_true(page_spill_has_room(w->spill, N_FRAMES - 1)); /* nothing is pinned */
    page_stage_destroy(&w->stage);
    page_spill_destroy(&w->spill);
    ioq_close(&w->page_ioq);
    ioq_close(&w->stage_ioq);
    page_pool_deinit(&w->pool);
}

static void *layer_of(const struct world *w, uint32_t page, uint32_t layer)
{
    return (char *)page_spill_at(w->spill, page) + (size_t)layer * PART_BYTES;
}

static void put(const struct world *w, uint32_t page, uint32_t slot, int token)
{
    for (uint32_t layer = 0; layer < 2; layer++) {
        ((int *)layer_of(w, page, layer))[slot] = token + (int)layer;
    }
}

/* As the engine does: both pages are held while one is copied. */
static int copy_page(struct world *w, struct kv_table *t, const struct kv_page_copy *copy)
{
    int rc = page_spill_hold(w->spill, copy->from, t->len / PAGE_TOKENS);
    if (rc == 0) {
        rc = page_spill_hold(w->spill, copy->to, t->len / PAGE_TOKENS);
        if (rc == 0) {
            memcpy(layer_of(w, copy->to, 0), layer_of(w, copy->from, 0), PAGE_BYTES);
            page_spill_changes(w->spill, copy->to);
            page_spill_let_go(w->spill, copy->to);
        }
        page_spill_let_go(w->spill, copy->from);
    }
    if (rc < 0) kv_table_undo_copy(t, copy);
    return rc;
}

/* Writes n tokens behind the committed ones and commits some; nothing where that fails. */
static int append_rows(struct world *w, uint32_t s, uint32_t n)
{
    struct kv_table *t = &w->tables[s];
    struct kv_page_copy copy;
    TRY(kv_table_reserve(t, n, &copy));
    if (copy.is_needed) TRY(copy_page(w, t, &copy));
    const uint32_t first = t->len / PAGE_TOKENS;
    const uint32_t end = (t->len + n + PAGE_TOKENS - 1) / PAGE_TOKENS;
    uint32_t held = first;
    int rc = 0;
    for (; held < end; held++) {
        rc = page_spill_hold(w->spill, t->page_ids[held], held);
        if (rc < 0) break;
        page_spill_changes(w->spill, t->page_ids[held]);
    }
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        const uint32_t slot = t->len + i;
        const uint32_t page = t->page_ids[slot / PAGE_TOKENS];
        assert_true(w->pool.n_holders[page] == 1 || w->pool.writers[page] == t);
        put(w, page, slot % PAGE_TOKENS, w->next_token + (int)i);
    }
    while (held > first) page_spill_let_go(w->spill, t->page_ids[--held]);
    return rc;
}

static void append(struct world *w, uint32_t s)
{
    struct kv_table *t = &w->tables[s];
    const uint32_t n = 1 + random_below(w, 12);
    page_spill_tick(w->spill);
    const int rc = append_rows(w, s, n);
    if (rc < 0) {
        assert_true(rc == NMOS_E_LIMIT || rc == NMOS_E_IO);
        w->n_failed += rc == NMOS_E_IO;
        kv_table_truncate(t, t->len);
        return;
    }
    const uint32_t n_kept = random_below(w, n + 1);
    for (uint32_t i = 0; i < n_kept; i++) w->tokens[s][t->len + i] = w->next_token + (int)i;
    w->next_token += 2 * (int)n;
    kv_table_commit(t, n_kept);
}

/* A walk over the parts on disk: layers, sessions, pages. */
struct walk {
    struct world *w;
    uint32_t layer, s, i;
};

static int next_part(void *arg, uint64_t *ret_offset)
{
    struct walk *at = arg;
    for (; at->layer < 2; at->layer++, at->s = 0) {
        for (; at->s < N_SESSIONS; at->s++, at->i = 0) {
            const struct kv_table *t = &at->w->tables[at->s];
            while (at->i * PAGE_TOKENS < t->len) {
                const uint32_t page = t->page_ids[at->i++];
                if (page_spill_at(at->w->spill, page)) continue;
                *ret_offset =
                    page_spill_offset(at->w->spill, page) + (uint64_t)at->layer * PART_BYTES;
                return 1;
            }
        }
    }
    return 0;
}

/* What every session reads back, layer by layer, as a pass would. @return 0 when a read failed. */
static int check(struct world *w)
{
    struct walk walk = {.w = w};
    uint32_t n_taken = 0;
    int rc = 1;
    page_stage_begin(w->stage, next_part, &walk);
    for (uint32_t layer = 0; layer < 2; layer++) {
        for (uint32_t s = 0; s < N_SESSIONS; s++) {
            const struct kv_table *t = &w->tables[s];
            for (uint32_t i = 0; i * PAGE_TOKENS < t->len; i++) {
                const int is_here = page_spill_at(w->spill, t->page_ids[i]) != NULL;
                void *part = is_here ? layer_of(w, t->page_ids[i], layer) : NULL;
                if (!is_here) rc = page_stage_take(w->stage, 1, &part);
                if (rc < 0) goto out;
                assert_int_equal(rc, 1);
                for (uint32_t k = 0; k < PAGE_TOKENS && i * PAGE_TOKENS + k < t->len; k++) {
                    assert_int_equal(((int *)part)[k],
                                     w->tokens[s][i * PAGE_TOKENS + k] + (int)layer);
                }
                n_taken += !is_here;
                if (n_taken < N_SLOTS && random_below(w, 2)) continue;
                page_stage_give_back(w->stage);
                n_taken = 0;
            }
        }
    }
    void *part = NULL;
    assert_int_equal(page_stage_take(w->stage, 1, &part), 0); /* there is no further one */
out:
    page_stage_end(w->stage);
    return rc >= 0;
}

static void step(struct world *w)
{
    const uint32_t s = random_below(w, N_SESSIONS);
    struct kv_table *t = &w->tables[s];
    switch (random_below(w, 4)) {
    case 0:
    case 1: append(w, s); break;
    case 2: kv_table_truncate(t, random_below(w, t->len + 1)); break;
    default: {
        const uint32_t from = random_below(w, N_SESSIONS);
        if (from == s) break;
        kv_table_truncate(t, 0);
        kv_table_fork(t, &w->tables[from]);
        memcpy(w->tokens[s], w->tokens[from], sizeof(w->tokens[s]));
        break;
    }
    }
}

static void random_histories_match_the_naive_model(void **state)
{
    static struct world w;
    uint64_t n_written = 0;
    uint64_t n_read = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct page_spill_stats stats;
        open_world(&w, seed, (struct ioq_sim_config){.p_short = 6000, .p_eintr = 3000});
        for (int i = 0; i < STEPS; i++) {
            step(&w);
            assert_true(check(&w));
        }
        page_spill_stats(w.spill, &stats);
        n_written += stats.bytes_written;
        n_read += stats.bytes_read;
        close_world(&w);
    }
    assert_true(n_written > 100 * PAGE_BYTES);
    assert_true(n_read > 100 * PAGE_BYTES);
}

static void a_bad_disk_fails_with_a_sentence_and_loses_nothing(void **state)
{
    static struct world w;
    uint32_t n_failed = 0;
    uint32_t n_unreadable = 0;
    uint32_t n_full = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        /* An error has to come twice in a row to count. */
        open_world(&w, seed, (struct ioq_sim_config){.p_short = 6000, .p_eio = 16000});
        w.p_full = 60;
        for (int i = 0; i < STEPS; i++) {
            step(&w);
            while (!check(&w)) { /* the next attempt may get through */
                assert_non_null(strstr(error_message(), "keys and values cannot be read back"));
                n_unreadable++;
            }
        }
        n_failed += w.n_failed;
        n_full += w.n_full;
        close_world(&w);
    }
    assert_true(n_failed > 20);
    assert_true(n_unreadable > 20);
    assert_true(n_full > 20);
}

static void a_cancelled_wait_leaves_nothing_under_way(void **state)
{
    static struct world w;
    static _Atomic int cancel = 1;
    void *part = NULL;
    (void)state;
    open_world(&w, 1, (struct ioq_sim_config){.p_stall = 65536, .stall_reaps = 1000});
    const struct page_stage_config config = {
        .ioq = w.stage_ioq, .n_slots = N_SLOTS, .part_bytes = PART_BYTES, .cancel = &cancel};
    page_stage_destroy(&w.stage);
    assert_int_equal(page_stage_create(&config, &w.stage), 0);
    while (w.tables[0].len < 56) append(&w, 0);
    struct walk walk = {.w = &w};
    page_stage_begin(w.stage, next_part, &walk);
    assert_int_equal(page_stage_take(w.stage, 0, &part), 0);
    assert_int_equal(page_stage_take(w.stage, 1, &part), NMOS_E_CANCELLED);
    page_stage_end(w.stage);
    assert_int_equal(ioq_in_flight(w.stage_ioq), 0);
    close_world(&w);
}

static void the_page_that_gives_way_is_the_one_of_least_use(void **state)
{
    struct page_pool pool;
    struct page_frames frames;
    uint32_t page[4];
    uint32_t victim = 0;
    (void)state;
    assert_int_equal(page_pool_init(&pool, 8, PAGE_TOKENS), 0);
    assert_int_equal(page_frames_init(&frames, &pool, 4), 0);
    assert_int_equal(page_frames_victim(&frames, &victim), 0);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(page_pool_acquire(&pool, &page[i]), 0);
        page_frames_give(&frames, page[i]);
        page_frames_touch(&frames, page[i], i, 7);
    }
    page_pool_share(&pool, page[0]); /* a beginning that two have */
    assert_int_equal(page_frames_victim(&frames, &victim), 1);
    assert_int_equal(victim, page[1]);
    page_frames_touch(&frames, page[3], 3, 6); /* not in the latest pass */
    assert_int_equal(page_frames_victim(&frames, &victim), 1);
    assert_int_equal(victim, page[3]);
    frames.n_pins[frames.frame_of[page[3]]] = 1;
    frames.n_pins[frames.frame_of[page[1]]] = 1;
    assert_int_equal(page_frames_victim(&frames, &victim), 1);
    assert_int_equal(victim, page[2]);
    page_frames_deinit(&frames);
    page_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_match_the_naive_model),
        cmocka_unit_test(a_bad_disk_fails_with_a_sentence_and_loses_nothing),
        cmocka_unit_test(a_cancelled_wait_leaves_nothing_under_way),
        cmocka_unit_test(the_page_that_gives_way_is_the_one_of_least_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

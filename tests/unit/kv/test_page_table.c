/* SPDX-License-Identifier: MIT */
/* Proves that page tables behave as a naive model of sessions does, under random append, fork,
 * truncate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kv/page_table.h"

#define N_SESSIONS  6
#define PAGE_TOKENS 4
#define CTX         64
#define N_PAGES     40

/* The naive model: every session is an array of tokens; `storage` plays the pages. */
struct world {
    struct page_pool pool;
    struct kv_table tables[N_SESSIONS];
    int tokens[N_SESSIONS][CTX];
    int storage[N_PAGES][PAGE_TOKENS];
    uint64_t rng;
    int next_token;
};

static uint32_t random_below(struct world *w, uint32_t n)
{
    w->rng = w->rng * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(w->rng >> 33) % n;
}

static void append(struct world *w, uint32_t s)
{
    struct kv_table *t = &w->tables[s];
    const uint32_t n = 1 + random_below(w, 9);
    const uint32_t free_before = w->pool.n_free;
    struct kv_page_copy copy;
    const int rc = kv_table_reserve(t, n, &copy);
    if (rc == NMOS_E_LIMIT) {
        assert_int_equal(w->pool.n_free, free_before);
        return;
    }
    assert_int_equal(rc, 0);
    if (copy.is_needed) memcpy(w->storage[copy.to], w->storage[copy.from], sizeof(w->storage[0]));
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t slot = t->len + i;
        const uint32_t page = t->page_ids[slot / PAGE_TOKENS];
        assert_int_equal(w->pool.n_holders[page], 1); /* never writes a shared page */
        w->storage[page][slot % PAGE_TOKENS] = w->next_token + (int)i;
    }
    const uint32_t n_kept = random_below(w, n + 1);
    for (uint32_t i = 0; i < n_kept; i++) w->tokens[s][t->len + i] = w->next_token + (int)i;
    w->next_token += (int)n;
    kv_table_commit(t, n_kept);
}

static void check(const struct world *w)
{
    uint32_t holders[N_PAGES] = {0};
    for (int s = 0; s < N_SESSIONS; s++) {
        const struct kv_table *t = &w->tables[s];
        for (uint32_t i = 0; i < t->n_pages; i++) holders[t->page_ids[i]]++;
        for (uint32_t i = 0; i < t->len; i++) {
            assert_int_equal(w->storage[t->page_ids[i / PAGE_TOKENS]][i % PAGE_TOKENS],
                             w->tokens[s][i]);
        }
    }
    uint32_t n_free = 0;
    for (int p = 0; p < N_PAGES; p++) {
        assert_int_equal(holders[p], w->pool.n_holders[p]);
        n_free += holders[p] == 0;
    }
    assert_int_equal(n_free, w->pool.n_free);
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
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        static struct world w;
        memset(&w, 0, sizeof(w));
        w.rng = seed;
        assert_int_equal(page_pool_init(&w.pool, N_PAGES), 0);
        for (int s = 0; s < N_SESSIONS; s++) {
            assert_int_equal(kv_table_init(&w.tables[s], &w.pool, PAGE_TOKENS, CTX), 0);
        }
        for (int i = 0; i < 400; i++) {
            step(&w);
            check(&w);
        }
        for (int s = 0; s < N_SESSIONS; s++) kv_table_deinit(&w.tables[s]);
        assert_int_equal(w.pool.n_free, N_PAGES);
        page_pool_deinit(&w.pool);
    }
}

static void a_full_context_is_refused_with_numbers(void **state)
{
    (void)state;
    struct page_pool pool;
    struct kv_table table;
    struct kv_page_copy copy;
    assert_int_equal(page_pool_init(&pool, 4), 0);
    assert_int_equal(kv_table_init(&table, &pool, PAGE_TOKENS, 8), 0);
    assert_int_equal(kv_table_reserve(&table, 9, &copy), NMOS_E_LIMIT);
    assert_non_null(strstr(error_message(), "9"));
    assert_int_equal(kv_table_reserve(&table, 8, &copy), 0);
    kv_table_deinit(&table);
    page_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_match_the_naive_model),
        cmocka_unit_test(a_full_context_is_refused_with_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Proves that page tables behave as a naive model of sessions does, under random append, fork,
 * truncate, pages given up under a bound, and sharing of pages that others have filled or had
 * filled before. */
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
#define N_BOUNDED   2 /* the last sessions hold at most ... */
#define N_HELD      5 /* ... so many pages */

/* The naive model: every session is an array of tokens; `storage` plays the pages. What a slot
 * holds depends on its token and all before it, as keys and values do, and on what was missing when
 * it was written. There are two tokens only, so that many texts begin alike. */
struct world {
    struct page_pool pool;
    struct kv_table tables[N_SESSIONS];
    int32_t tokens[N_SESSIONS][CTX];
    int is_missing[N_SESSIONS][CTX / PAGE_TOKENS];
    uint64_t content[N_SESSIONS][CTX]; /* that each token's slot must have */
    uint64_t storage[N_PAGES][PAGE_TOKENS];
    uint64_t rng;
    uint32_t n_adopted;
};

static uint64_t content_of(const int32_t *tokens, uint32_t n)
{
    uint64_t content = 7;
    for (uint32_t i = 0; i < n; i++) content = content * 1000003 + (uint64_t)tokens[i] + 1;
    return content;
}

/* What a session writes behind @p n tokens. */
static uint64_t content_in(const struct world *w, uint32_t s, uint32_t n)
{
    uint64_t content = content_of(w->tokens[s], n);
    for (uint32_t i = 0; i < CTX / PAGE_TOKENS; i++) {
        if (w->is_missing[s][i]) content = content * 31 + i + 1;
    }
    return content;
}

static uint32_t random_below(struct world *w, uint32_t n)
{
    w->rng = w->rng * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(w->rng >> 33) % n;
}

/* No session but @p s has a token in the slot of @p s. */
static int nobody_reads(const struct world *w, uint32_t s, uint32_t slot)
{
    for (uint32_t other = 0; other < N_SESSIONS; other++) {
        const struct kv_table *t = &w->tables[other];
        if (other == s || t->len <= slot) continue;
        if (t->page_ids[slot / PAGE_TOKENS] == w->tables[s].page_ids[slot / PAGE_TOKENS]) return 0;
    }
    return 1;
}

static void append(struct world *w, uint32_t s)
{
    struct kv_table *t = &w->tables[s];
    const uint32_t n = 1 + random_below(w, 9);
    const uint32_t free_before = w->pool.n_free;
    const uint32_t room = kv_table_room(t);
    struct kv_page_copy copy;
    const int rc = kv_table_reserve(t, n, &copy);
    if (n > room) assert_int_equal(rc, NMOS_E_LIMIT);
    if (rc == NMOS_E_LIMIT) {
        assert_int_equal(w->pool.n_free, free_before);
        return;
    }
    assert_int_equal(rc, 0);
    if (copy.is_needed) memcpy(w->storage[copy.to], w->storage[copy.from], sizeof(w->storage[0]));
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t slot = t->len + i;
        const uint32_t page = t->page_ids[slot / PAGE_TOKENS];
        w->tokens[s][slot] = (int32_t)random_below(w, 2);
        assert_true(nobody_reads(w, s, slot)); /* never writes what others have ... */
        assert_int_equal(w->pool.index.texts[page].number, 0); /* ... or a page that is known */
        w->content[s][slot] = content_in(w, s, slot + 1);
        w->storage[page][slot % PAGE_TOKENS] = w->content[s][slot];
    }
    const uint32_t n_kept = random_below(w, n + 1);
    const uint32_t len = t->len;
    kv_table_commit(t, n_kept);
    kv_table_learn(t, w->tokens[s], len);
}

/* Takes over what is known of a random text, or of one that another session has. */
static void adopt(struct world *w, uint32_t s)
{
    struct kv_table *t = &w->tables[s];
    const uint32_t from = random_below(w, N_SESSIONS);
    const uint32_t len = t->len;
    const uint32_t n_free = w->pool.n_free;
    kv_table_truncate(t, len); /* no rows are pending */
    for (uint32_t i = t->len; i < CTX; i++) {
        const int is_same = from != s && memcmp(w->tokens[s], w->tokens[from], i * 4) == 0;
        w->tokens[s][i] = is_same ? w->tokens[from][i] : (int32_t)random_below(w, 2);
    }
    const struct kv_known known = kv_table_find(t, w->tokens[s], CTX);
    kv_table_adopt(t, w->tokens[s], CTX);
    assert_int_equal(t->len, known.n_tokens);
    assert_true(w->pool.n_free + known.n_pages >= n_free);
    if (t->n_gaps) assert_int_equal(t->len, len);
    for (uint32_t i = len / PAGE_TOKENS * PAGE_TOKENS; t->len > len && i < t->len; i++) {
        w->content[s][i] = content_of(w->tokens[s], i + 1);
    }
    w->n_adopted += t->len - len;
}

/* A full page that is there; never the last one, as a session goes on behind it. */
static void give_up(struct world *w, uint32_t s)
{
    struct kv_table *t = &w->tables[s];
    const uint32_t n_full = t->len / PAGE_TOKENS;
    if (n_full < 2) return;
    const uint32_t page_i = random_below(w, n_full - 1);
    if (w->is_missing[s][page_i]) return;
    kv_table_truncate(t, t->len); /* no rows are pending */
    const uint32_t room = kv_table_room(t);
    kv_table_give_up(t, page_i);
    w->is_missing[s][page_i] = 1;
    assert_int_equal(kv_table_room(t), room + PAGE_TOKENS);
}

static void cut(struct world *w, uint32_t s, uint32_t len)
{
    while (len > 0 && w->is_missing[s][(len - 1) / PAGE_TOKENS]) len--; /* nobody cuts into a gap */
    kv_table_truncate(&w->tables[s], len);
    for (uint32_t i = (len + PAGE_TOKENS - 1) / PAGE_TOKENS; i < CTX / PAGE_TOKENS; i++) {
        w->is_missing[s][i] = 0;
    }
}

/* The session's pages: those that are there have what was written, within the bound. */
static void check_pages(const struct world *w, int s, uint32_t *holders)
{
    const struct kv_table *t = &w->tables[s];
    uint32_t n_held = 0;
    for (uint32_t i = 0; i < t->n_pages; i++) {
        assert_int_equal(t->page_ids[i] == PAGE_NONE, w->is_missing[s][i]);
        if (w->is_missing[s][i]) continue;
        holders[t->page_ids[i]]++;
        n_held++;
    }
    assert_int_equal(n_held, t->n_pages - t->n_gaps);
    if (s >= N_SESSIONS - N_BOUNDED) assert_true(n_held <= N_HELD);
    for (uint32_t i = 0; i < t->len; i++) {
        if (w->is_missing[s][i / PAGE_TOKENS]) continue;
        assert_int_equal(w->storage[t->page_ids[i / PAGE_TOKENS]][i % PAGE_TOKENS],
                         w->content[s][i]);
    }
}

static void check(const struct world *w)
{
    uint32_t holders[N_PAGES] = {0};
    for (int s = 0; s < N_SESSIONS; s++) {
        const struct kv_table *t = &w->tables[s];
        check_pages(w, s, holders);
        /* Full pages of one text are one page. */
        for (int other = 0; other < s; other++) {
            const struct kv_table *o = &w->tables[other];
            if (t->n_gaps || o->n_gaps) continue;
            const uint32_t n = (o->len < t->len ? o->len : t->len) / PAGE_TOKENS;
            for (uint32_t i = 0; i < n; i++) {
                const size_t bytes = (i + 1) * PAGE_TOKENS * sizeof(int32_t);
                if (memcmp(w->tokens[s], w->tokens[other], bytes) != 0) break;
                assert_int_equal(t->page_ids[i], o->page_ids[i]);
            }
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
    switch (random_below(w, 6)) {
    case 0:
    case 1: append(w, s); break;
    case 2: adopt(w, s); break;
    case 3: cut(w, s, random_below(w, t->len + 1)); break;
    case 4:
        if (s >= N_SESSIONS - N_BOUNDED) give_up(w, s);
        break;
    default: {
        const uint32_t from = random_below(w, N_SESSIONS);
        if (from == s || w->tables[from].n_held_max != t->n_held_max) break;
        cut(w, s, 0);
        kv_table_fork(t, &w->tables[from]);
        memcpy(w->tokens[s], w->tokens[from], sizeof(w->tokens[s]));
        memcpy(w->content[s], w->content[from], sizeof(w->content[s]));
        memcpy(w->is_missing[s], w->is_missing[from], sizeof(w->is_missing[s]));
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
        assert_int_equal(page_pool_init(&w.pool, N_PAGES, PAGE_TOKENS), 0);
        for (int s = 0; s < N_SESSIONS; s++) {
            const uint32_t n_held_max = s < N_SESSIONS - N_BOUNDED ? 0 : N_HELD;
            assert_int_equal(kv_table_init(&w.tables[s], &w.pool, PAGE_TOKENS, CTX, n_held_max), 0);
        }
        for (int i = 0; i < 400; i++) {
            step(&w);
            check(&w);
        }
        assert_true(w.n_adopted > 0);
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
    assert_int_equal(page_pool_init(&pool, 4, PAGE_TOKENS), 0);
    assert_int_equal(kv_table_init(&table, &pool, PAGE_TOKENS, 8, 0), 0);
    assert_int_equal(kv_table_reserve(&table, 9, &copy), NMOS_E_LIMIT);
    assert_non_null(strstr(error_message(), "9"));
    assert_int_equal(kv_table_reserve(&table, 8, &copy), 0);
    kv_table_deinit(&table);
    page_pool_deinit(&pool);
}

static void append_tokens(struct kv_table *table, const int32_t *tokens, uint32_t n)
{
    struct kv_page_copy copy;
    const uint32_t len = table->len;
    assert_int_equal(kv_table_reserve(table, n, &copy), 0);
    kv_table_commit(table, n);
    kv_table_learn(table, tokens, len);
}

static void what_was_given_up_last_stays_known_longest(void **state)
{
    (void)state;
    static const int32_t texts[2][8] = {{1, 2, 3, 4, 5, 6, 7, 8}, {9, 2, 3, 4, 5, 6, 7, 8}};
    struct page_pool pool;
    struct kv_table table;
    assert_int_equal(page_pool_init(&pool, 6, PAGE_TOKENS), 0);
    assert_int_equal(kv_table_init(&table, &pool, PAGE_TOKENS, 24, 0), 0);
    for (int i = 0; i < 2; i++) {
        append_tokens(&table, texts[i], 8);
        kv_table_truncate(&table, 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kv_table_find(&table, texts[i], 8).n_tokens, 8);
        assert_int_equal(kv_table_find(&table, texts[i], 8).n_pages, 2);
        assert_int_equal(kv_table_find(&table, texts[i], 7).n_tokens, 4);
    }
    /* Two pages were never used, then the older text goes, its end first. */
    struct kv_table other;
    const int32_t more[16] = {0};
    assert_int_equal(kv_table_init(&other, &pool, PAGE_TOKENS, 24, 0), 0);
    append_tokens(&other, more, 8);
    assert_int_equal(kv_table_find(&table, texts[0], 8).n_tokens, 8);
    append_tokens(&other, more, 4);
    assert_int_equal(kv_table_find(&table, texts[0], 8).n_tokens, 4);
    append_tokens(&other, more, 4);
    assert_int_equal(kv_table_find(&table, texts[0], 8).n_tokens, 0);
    assert_int_equal(kv_table_find(&table, texts[1], 8).n_tokens, 8);
    kv_table_deinit(&other);
    kv_table_deinit(&table);
    page_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_match_the_naive_model),
        cmocka_unit_test(a_full_context_is_refused_with_numbers),
        cmocka_unit_test(what_was_given_up_last_stays_known_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

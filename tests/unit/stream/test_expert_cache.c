/* SPDX-License-Identifier: MIT */
/* Proves that the cache of experts lends every wanted expert once with exactly its bytes, whatever
 * its size; that it evicts only what is worth least, by an obvious count of uses; that guesses wait
 * for wanted experts and are counted truly; and that a visit allocates nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "expert_fixture.h"
#include "stream/expert_cache_internal.h"

#define N_HISTORIES 300U
#define N_VISITS    60U

/* The slow, obvious twin of expert_policy.h: every use that there was. */
struct uses {
    struct {
        uint32_t key;
        double row; /* rows that its layer had seen */
    } of[N_VISITS * 64];
    uint32_t n;
    double now[FIXTURE_LAYERS]; /* rows that each layer has seen */
};

static struct uses uses;

static double naive_worth(const struct fixture *fx, uint32_t now_layer, uint32_t key)
{
    double heat = 0;
    const double now = uses.now[key / fx->n_experts];
    for (uint32_t i = 0; i < uses.n; i++) {
        if (uses.of[i].key == key) heat += pow(0.5, (now - uses.of[i].row) / EXPERT_HALF_LIFE);
    }
    uint32_t distance = 1;
    while ((now_layer + distance) % fx->n_layers != key / fx->n_experts) distance++;
    return log2(heat) - EXPERT_DISTANCE_COST * distance / fx->n_layers;
}

static int contains(const uint32_t *list, uint32_t n, uint32_t x)
{
    for (uint32_t i = 0; i < n; i++) {
        if (list[i] == x) return 1;
    }
    return 0;
}

/* Of the slots of a class, `before` had these keys; whatever is gone was worth no more than what
 * stayed. */
static void check_evictions(const struct fixture *fx, const uint32_t *before, uint32_t layer_i,
                            const uint32_t *experts, uint32_t n)
{
    const struct expert_class *class = &fx->cache->classes.of[fx->cache->class_of[layer_i]];
    double most_gone = -INFINITY;
    double least_kept = INFINITY;
    for (uint32_t s = class->first_slot; s < class->first_slot + class->n_slots; s++) {
        const uint32_t key = before[s];
        if (key == EXPERT_NONE) continue;
        const double worth = naive_worth(fx, layer_i, key);
        const int is_wanted =
            key / fx->n_experts == layer_i && contains(experts, n, key % fx->n_experts);
        if (fx->cache->slots[s].key != key) {
            assert_false(is_wanted);
            if (worth > most_gone) most_gone = worth;
        } else if (!is_wanted && worth < least_kept) {
            least_kept = worth;
        }
    }
    assert_true(most_gone <= least_kept + 1e-9);
}

/* Slots that hold nothing are used before anything is evicted. */
static void check_free_slots(const struct fixture *fx, const uint32_t *before, uint32_t layer_i)
{
    const struct expert_class *class = &fx->cache->classes.of[fx->cache->class_of[layer_i]];
    uint32_t n_free = 0;
    uint32_t n_gone = 0;
    for (uint32_t s = class->first_slot; s < class->first_slot + class->n_slots; s++) {
        n_free += fx->cache->slots[s].key == EXPERT_NONE;
        n_gone += before[s] != EXPERT_NONE && fx->cache->slots[s].key != before[s];
    }
    assert_true(n_free == 0 || n_gone == 0);
}

static void check_visit(struct fixture *fx, uint32_t layer_i, uint32_t n, uint32_t n_pass_rows)
{
    static uint32_t before[4096];
    uint32_t experts[64];
    struct expert_stats old;
    struct expert_stats new;
    uint32_t n_missing = 0;
    draw_experts(fx, n, experts);
    uses.now[layer_i] += n_pass_rows;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t key = layer_i * fx->n_experts + experts[i];
        n_missing += fx->cache->slot_of[key] == EXPERT_NONE;
        uses.of[uses.n].key = key;
        uses.of[uses.n++].row = uses.now[layer_i];
    }
    for (uint32_t s = 0; s < fx->cache->classes.n_slots; s++) before[s] = fx->cache->slots[s].key;
    expert_cache_stats(fx->cache, &old);
    assert_int_equal(visit_rows(fx, layer_i, experts, n, n_pass_rows), 0);
    check_evictions(fx, before, layer_i, experts, n);
    check_free_slots(fx, before, layer_i);
    expert_cache_stats(fx->cache, &new);
    assert_int_equal(new.n_wanted - old.n_wanted, n);
    assert_int_equal(new.n_missing - old.n_missing, n_missing);
}

static void what_goes_is_worth_least(void **state)
{
    (void)state;
    const unsigned char *data = content;
    for (uint32_t h = 0; h < N_HISTORIES; h++) {
        seed = h;
        struct fixture fx = {.n_experts = 2 + draw(15)};
        const struct ioq_sim_config device = {.data = &data, .seed = h, .p_short = draw(20000)};
        make_layers(&fx, 9000);
        open_device(&fx, &device, IOQ_DEPTH_MAX);
        const uint32_t n_slots = 1 + draw(fx.n_experts);
        open_cache(&fx, n_slots, bytes_for(&fx, n_slots) * (1 + draw(3)));
        memset(&uses, 0, sizeof(uses));
        const uint64_t n_allocs = mem_alloc_count();
        uint32_t n_pass_rows = 1;
        for (uint32_t v = 0; v < N_VISITS; v++) {
            if (v % fx.n_layers == 0) n_pass_rows = draw(3) ? 1 : 1 + draw(100);
            /* As many as there are slots at most: then all victims are chosen at once. */
            check_visit(&fx, v % fx.n_layers, 1 + draw(n_slots < 16 ? n_slots : 16), n_pass_rows);
        }
        assert_int_equal(mem_alloc_count(), n_allocs);
        close_fixture(&fx);
    }
}

static void a_visit_may_want_more_than_there_are_slots(void **state)
{
    (void)state;
    const unsigned char *data = content;
    for (uint32_t h = 0; h < 100; h++) {
        seed = h;
        struct fixture fx = {.n_experts = 40};
        const struct ioq_sim_config device = {.data = &data, .seed = h};
        uint32_t experts[64];
        make_layers(&fx, 5000);
        open_device(&fx, &device, 1 + draw(IOQ_DEPTH_MAX));
        const uint32_t n_slots = 1 + draw(4);
        open_cache(&fx, n_slots, bytes_for(&fx, n_slots));
        for (uint32_t v = 0; v < 20; v++) {
            const uint32_t n = draw(fx.n_experts + 1);
            draw_experts(&fx, n, experts);
            assert_int_equal(visit(&fx, v % fx.n_layers, experts, n), 0);
        }
        close_fixture(&fx);
    }
}

/* Two layers of eight experts, all slots. */
static void open_simple(struct fixture *fx, const struct ioq_sim_config *device, uint32_t n_slots)
{
    seed = 1;
    *fx = (struct fixture){.n_layers = 2, .n_experts = 8};
    for (uint32_t l = 0; l < 2; l++) {
        for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
            fx->layers[l].parts[p] =
                (struct expert_part){.offset = 32 + 100000 * (3 * l + p), .bytes = 10000};
        }
    }
    open_device(fx, device, IOQ_DEPTH_MAX);
    open_cache(fx, n_slots, bytes_for(fx, n_slots));
}

static void guesses_are_read_between_visits_and_judged(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data};
    struct fixture fx;
    struct expert_stats stats;
    open_simple(&fx, &device, 16);
    assert_int_equal(visit(&fx, 1, (const uint32_t[]){5}, 1), 0);
    expert_cache_guess(fx.cache, 1, (const uint32_t[]){5, 2, 7, 1}, 4); /* 5 is there already */
    poll_until_idle(&fx);
    assert_int_equal(visit(&fx, 1, (const uint32_t[]){2, 3, 5, 7}, 4), 0);
    expert_cache_stats(fx.cache, &stats);
    assert_int_equal(stats.n_guessed, 3);
    assert_int_equal(stats.n_guessed_well, 2);
    assert_int_equal(stats.n_wanted, 5);
    assert_int_equal(stats.n_missing, 2); /* 5 at first, then 3 */
    close_fixture(&fx);
}

static void a_guess_waits_for_wanted_experts(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data};
    const uint32_t n_rows[] = {1, 1};
    struct fixture fx;
    struct expert_loan loan;
    open_simple(&fx, &device, 16);
    expert_cache_guess(fx.cache, 1, (const uint32_t[]){0, 1, 2}, 3);
    poll_until_idle(&fx);
    expert_cache_begin(fx.cache, 0, (const uint32_t[]){0, 1}, n_rows, 2, 1);
    expert_cache_guess(fx.cache, 1, (const uint32_t[]){3, 4}, 2);
    while (expert_cache_next(fx.cache, NULL, &loan) == 1) {
        if (fx.cache->visit.n_loading > 0) assert_int_equal(fx.cache->guess.n_issued, 0);
    }
    assert_true(fx.cache->guess.n_issued > 0);
    expert_cache_end(fx.cache);
    close_fixture(&fx);
}

static void fewer_slots_lend_the_same_bytes(void **state)
{
    (void)state;
    const unsigned char *data = content;
    for (uint32_t h = 0; h < 100; h++) {
        seed = h;
        struct fixture fx = {.n_experts = 2 + draw(15)};
        const struct ioq_sim_config device = {.data = &data, .seed = h};
        struct expert_stats before;
        struct expert_stats after;
        uint32_t experts[64];
        make_layers(&fx, 9000);
        open_device(&fx, &device, 1 + draw(IOQ_DEPTH_MAX));
        const uint32_t n_min = 1 + draw(2);
        const uint64_t bytes_min = bytes_for(&fx, n_min);
        open_cache(&fx, n_min, 6 * bytes_min);
        for (uint32_t v = 0; v < 30; v++) {
            const uint32_t n = 1 + draw(fx.n_experts);
            draw_experts(&fx, n, experts);
            assert_int_equal(visit(&fx, v % fx.n_layers, experts, n), 0);
            expert_cache_guess(fx.cache, (v + 1) % fx.n_layers, experts, n);
            if (v % 10 != 9) continue;
            const uint64_t bytes = bytes_min * (3 - v / 10);
            expert_cache_stats(fx.cache, &before);
            expert_cache_shrink(fx.cache, bytes);
            expert_cache_stats(fx.cache, &after);
            assert_true(after.slot_bytes <= bytes && after.slot_bytes <= before.slot_bytes);
        }
        close_fixture(&fx);
    }
}

static void learned_experts_are_read_into_free_slots_the_most_used_first(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data};
    float heat[16] = {[1] = 5, [3] = 9, [8] = 7, [9] = 1, [10] = 6};
    float kept[16];
    const struct expert_habits habits = {.heat = heat, .reuse = {.n_uses = 3}, .reach[4] = {2, 5}};
    struct expert_habits now = {.heat = kept};
    struct fixture fx;
    struct expert_stats stats;
    open_simple(&fx, &device, 4);
    expert_cache_learn(fx.cache, &habits);
    expert_cache_habits(fx.cache, &now);
    for (uint32_t i = 0; i < 16; i++) assert_float_equal(kept[i], heat[i], 1e-3);
    assert_true(now.reuse.n_uses == 3 && expert_reach_mean(now.reach, 31) == 2.5);
    poll_until_idle(&fx);
    expert_cache_rest(fx.cache);
    poll_until_idle(&fx);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){1, 3}, 2), 0);
    assert_int_equal(visit(&fx, 1, (const uint32_t[]){0, 2}, 2), 0); /* keys 8 and 10 */
    expert_cache_stats(fx.cache, &stats);
    assert_int_equal(stats.n_learned, 4);
    assert_int_equal(stats.n_missing, 0);
    close_fixture(&fx);
}

/* Some of 32 experts, mostly those that were popular a moment ago. @return how many. */
static uint32_t draw_wanted(uint32_t pass, uint32_t experts[4])
{
    for (uint32_t i = 0; i < 4; i++) {
        do {
            experts[i] = draw(4) ? (pass / 40 + draw(1 + draw(12))) % 32 : draw(32);
        } while (contains(experts, i, experts[i]));
    }
    return 4;
}

static void open_many(struct fixture *fx, const struct ioq_sim_config *device, uint32_t depth,
                      uint32_t n_slots)
{
    *fx = (struct fixture){.n_layers = 4, .n_experts = 32};
    seed = 7;
    for (uint32_t l = 0; l < 4; l++) {
        for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
            fx->layers[l].parts[p] =
                (struct expert_part){.offset = 32 + 4096 * (3 * l + p), .bytes = 96};
        }
    }
    open_device(fx, device, depth);
    open_cache(fx, n_slots, bytes_for(fx, n_slots));
    seed = 8;
}

/* A cache of n_slots, passes of one row; its hit rate after the first half of them. */
static double hit_rate_of(uint32_t n_slots, struct expert_habits *ret_habits)
{
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data};
    struct fixture fx;
    struct expert_stats half;
    struct expert_stats all;
    uint32_t experts[4];
    open_many(&fx, &device, IOQ_DEPTH_MAX, n_slots);
    for (uint32_t pass = 0; pass < 800; pass++) {
        if (pass == 400) expert_cache_stats(fx.cache, &half);
        for (uint32_t l = 0; l < 4; l++) {
            const uint32_t n = draw_wanted(pass, experts);
            assert_int_equal(visit(&fx, l, experts, n), 0);
        }
    }
    expert_cache_stats(fx.cache, &all);
    expert_cache_habits(fx.cache, ret_habits);
    close_fixture(&fx);
    return 1 - (double)(all.n_missing - half.n_missing) / (double)(all.n_wanted - half.n_wanted);
}

static void one_cache_tells_the_hit_rates_of_all_sizes(void **state)
{
    (void)state;
    const uint32_t sizes[] = {40, 64, 96, 128}; /* many times what a visit wants */
    float heat[4 * 32];
    struct expert_habits habits = {.heat = heat};
    struct expert_habits other = {.heat = heat};
    double last = 0;
    (void)hit_rate_of(16, &habits);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const double measured = hit_rate_of(sizes[i], &other);
        const double told = expert_reuse_hit_rate(&habits.reuse, sizes[i] / 128.0);
        if (fabs(told - measured) > 0.02) fail_msg("%u: %f, %f", sizes[i], told, measured);
        assert_true(told > last);
        last = told;
        assert_memory_equal(&other.reuse, &habits.reuse, sizeof(habits.reuse));
    }
    assert_true(last > 0.999);
    const struct expert_reuse none = {0};
    assert_true(expert_reuse_hit_rate(&none, 0.25) == 0.25);
}

/* All experts of a layer, some used by many rows of the pass, others by few. */
static void visit_all(struct fixture *fx, uint32_t layer_i)
{
    uint32_t experts[32];
    uint32_t n_rows[32];
    struct expert_loan loan;
    int rc = 0;
    for (uint32_t e = 0; e < 32; e++) {
        experts[e] = e;
        n_rows[e] = 1 + (e * 11 + layer_i * 5) % 32;
    }
    expert_cache_begin(fx->cache, layer_i, experts, n_rows, 32, 512);
    while ((rc = expert_cache_next(fx->cache, NULL, &loan)) == 1) {
    }
    assert_int_equal(rc, 0);
    expert_cache_end(fx->cache);
}

/* Of passes of many rows, which want all experts, every one finds what fits, less what one visit
 * takes: what later layers are about to want is not evicted for what a layer has just used. What
 * they want and find is counted apart from passes of one row. */
static void passes_that_want_everything_find_what_fits(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data};
    struct fixture fx;
    struct expert_stats stats;
    uint64_t n_missing = 0;
    float heat[4 * 32];
    struct expert_habits habits = {.heat = heat};
    open_many(&fx, &device, IOQ_DEPTH_MAX, 64);
    for (uint32_t pass = 0; pass < 6; pass++) {
        for (uint32_t l = 0; l < 4; l++) visit_all(&fx, l);
        expert_cache_stats(fx.cache, &stats);
        const uint64_t n_read = stats.n_missing - n_missing;
        n_missing = stats.n_missing;
        if (pass == 0) assert_int_equal(n_read, 128);
        if (pass > 0 && (n_read < 64 || n_read > 64 + EXPERT_AHEAD_MAX))
            fail_msg("%u read", (unsigned)n_read);
    }
    expert_cache_habits(fx.cache, &habits);
    assert_true(expert_reach_mean(habits.reach, 512) == 128 && habits.reach[9].n_passes > 4.5F);
    assert_true(expert_reach_mean(habits.reach, 511) == 0);
    close_fixture(&fx);
}

/* What passes of one row read is recorded in blocks, from when the cache is filled and settled on;
 * a longer pass is not counted and begins a new block. The same is added up here pass by pass. */
static void what_passes_read_is_recorded(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data};
    const uint32_t n_settled = (uint32_t)(2 * EXPERT_HALF_LIFE) - 1;
    float heat[4 * 32];
    struct expert_habits habits = {.heat = heat};
    struct expert_record want[EXPERT_RECORDS] = {0};
    struct fixture fx;
    struct expert_stats stats;
    uint32_t experts[4];
    uint32_t n_passes = 0; /* of one row, in the block */
    uint64_t from_bytes = 0;
    uint64_t last_bytes = 0;
    for (uint32_t i = 0; i < 4 * 32; i++) heat[i] = 1;
    open_many(&fx, &device, IOQ_DEPTH_MAX, 40);
    expert_cache_learn(fx.cache, &habits);
    do expert_cache_rest(fx.cache);
    while (expert_cache_is_reading(fx.cache));
    for (uint32_t pass = 0; pass < 300; pass++) {
        const uint32_t n_rows = pass == 150 ? 3 : 1;
        for (uint32_t l = 0; l < 4; l++) {
            const uint32_t n = draw_wanted(pass, experts);
            assert_int_equal(visit_rows(&fx, l, experts, n, n_rows), 0);
        }
        expert_cache_stats(fx.cache, &stats);
        if (n_passes == 0) from_bytes = last_bytes;
        last_bytes = stats.bytes_read;
        n_passes = n_rows == 1 && pass >= n_settled ? n_passes + 1 : 0;
        if (n_passes < EXPERT_RECORD_PASSES || pass == 299) continue; /* not yet followed by one */
        expert_record_add(want, 40, (double)(last_bytes - from_bytes) / EXPERT_RECORD_PASSES);
        n_passes = 0;
    }
    expert_cache_habits(fx.cache, &habits);
    assert_true(want[0].n_blocks == 7); /* three before the long pass and four after it */
    assert_memory_equal(habits.records, want, sizeof(want));
    close_fixture(&fx);
}

/* A single slot, and an expert in it that is half read for nobody. */
static void a_wanted_expert_gets_the_slot_of_one_half_read(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data};
    float heat[4 * 32] = {[5] = 1};
    const struct expert_habits habits = {.heat = heat};
    struct fixture fx;
    open_many(&fx, &device, 1, 1); /* one read at a time: the three parts follow one another */
    expert_cache_learn(fx.cache, &habits);
    expert_cache_poll(fx.cache);
    assert_true(fx.cache->filling && fx.cache->filling->key == 5);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){1, 2}, 2), 0);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){5}, 1), 0);
    close_fixture(&fx);
}

/* With two slots and two guesses in them, a wanted expert still gets its place. */
static void a_wanted_expert_evicts_guesses(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data};
    struct fixture fx;
    open_simple(&fx, &device, 2);
    expert_cache_guess(fx.cache, 1, (const uint32_t[]){0, 1, 2, 3}, 4);
    poll_until_idle(&fx);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){0, 1, 2, 3}, 4), 0);
    close_fixture(&fx);
}

static void memory_is_shared_in_proportion_and_a_lack_of_it_refused(void **state)
{
    (void)state;
    struct expert_layer layers[3] = {0};
    struct expert_classes classes;
    for (uint32_t l = 0; l < 3; l++) {
        for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
            layers[l].parts[p].bytes = l == 1 ? 8192 : 4096;
        }
    }
    expert_classes_plan(layers, 3, 10, 4096, 1, 3 * 4096 * 20, &classes);
    assert_int_equal(classes.n, 2);
    assert_int_equal(classes.of[0].n_slots, 10); /* of 20 small ones */
    assert_int_equal(classes.of[1].n_slots, 5);  /* of 10 large ones */
    assert_int_equal(classes.bytes, 3 * 4096 * 20);
    assert_int_equal(expert_class_of(&classes, &layers[1], 4096), 1);
    expert_classes_plan(layers, 3, 10, 4096, 1, (uint64_t)1 << 40, &classes);
    assert_int_equal(classes.n_slots, 30); /* never more than experts */
    struct file file = ioq_sim_file(FIXTURE_BYTES, 4096);
    struct file *files = &file;
    struct expert_cache *cache = NULL;
    struct expert_cache_config config = {.files = &files,
                                         .n_files = 1,
                                         .layers = layers,
                                         .n_layers = 3,
                                         .n_experts = 10,
                                         .n_slots_min = 1,
                                         .bytes = 3 * 4096 * 3 - 1};
    assert_int_equal(expert_cache_open(&config, &cache), NMOS_E_LIMIT);
    assert_non_null(strstr(error_message(), "36864"));
    layers[2].parts[1].offset = FIXTURE_BYTES - 40000;
    assert_int_equal(expert_cache_open(&config, &cache), NMOS_E_INVALID);
    assert_non_null(strstr(error_message(), "blk.2"));
    assert_null(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_is_worth_least),
        cmocka_unit_test(a_visit_may_want_more_than_there_are_slots),
        cmocka_unit_test(guesses_are_read_between_visits_and_judged),
        cmocka_unit_test(a_guess_waits_for_wanted_experts),
        cmocka_unit_test(learned_experts_are_read_into_free_slots_the_most_used_first),
        cmocka_unit_test(one_cache_tells_the_hit_rates_of_all_sizes),
        cmocka_unit_test(passes_that_want_everything_find_what_fits),
        cmocka_unit_test(what_passes_read_is_recorded),
        cmocka_unit_test(a_wanted_expert_evicts_guesses),
        cmocka_unit_test(a_wanted_expert_gets_the_slot_of_one_half_read),
        cmocka_unit_test(fewer_slots_lend_the_same_bytes),
        cmocka_unit_test(memory_is_shared_in_proportion_and_a_lack_of_it_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

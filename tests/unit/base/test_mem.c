/* SPDX-License-Identifier: MIT */
/* Proves that memory is aligned, counted by tag, and that failure is reported, not fatal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void every_block_is_aligned_as_asked(void **state)
{
    (void)state;
    static const size_t aligns[] = {1, 64, 4096, 65536, 2u << 20};
    static const size_t sizes[] = {0, 1, 1000, (1u << 20) - 1, 3u << 20};
    for (size_t a = 0; a < 5; a++) {
        for (size_t s = 0; s < 5; s++) {
            char *block = mem_alloc(MEM_GENERAL, sizes[s], aligns[a]);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % aligns[a], 0);
            memset(block, 0xa5, sizes[s]);
            mem_free(block);
        }
    }
}

static void use_is_counted_by_tag_and_returns_to_zero(void **state)
{
    (void)state;
    const size_t before = mem_used(MEM_KV);
    void *small = mem_alloc(MEM_KV, 100, 64);
    void *big = mem_alloc(MEM_KV, 5u << 20, 64);
    assert_true(mem_used(MEM_KV) >= before + 100 + (5u << 20));
    mem_free(small);
    mem_free(big);
    assert_int_equal(mem_used(MEM_KV), before);
}

static void an_injected_fault_gives_null_and_a_message(void **state)
{
    (void)state;
    mem_fail_after(1);
    void *first = mem_alloc(MEM_GENERAL, 10, 64);
    void *second = mem_alloc(MEM_GENERAL, 77, 64);
    mem_fail_after(-1);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(strstr(error_message(), "77"));
    mem_free(first);
}

static void overflowing_sizes_are_refused(void **state)
{
    (void)state;
    size_t out = 0;
    assert_int_equal(size_mul(SIZE_MAX / 2, 3, &out), NMOS_E_LIMIT);
    assert_int_equal(size_add(SIZE_MAX, 1, &out), NMOS_E_LIMIT);
    assert_null(mem_alloc(MEM_GENERAL, SIZE_MAX - 10, 64));
    assert_null(mem_calloc(MEM_GENERAL, SIZE_MAX / 2, 3));
}

static void growing_keeps_the_content(void **state)
{
    (void)state;
    char *block = mem_grow(MEM_GENERAL, NULL, 4);
    assert_non_null(block);
    memcpy(block, "abcd", 4);
    block = mem_grow(MEM_GENERAL, block, 3u << 20);
    assert_non_null(block);
    assert_memory_equal(block, "abcd", 4);
    mem_free(block);
}

/* Whether the mapping around @p at has @p flag in /proc/self/smaps: "hg", huge pages advised; "nh",
 * none. */
static int has_flag(const void *at, const char *flag)
{
    char line[512];
    int is_ours = 0;
    int found = -1;
    FILE *in = fopen("/proc/self/smaps", "re");
    assert_non_null(in);
    while (found < 0 && fgets(line, sizeof(line), in)) {
        unsigned long long begin = 0;
        unsigned long long end = 0;
        if (sscanf(line, "%llx-%llx ", &begin, &end) == 2) {
            is_ours = (uintptr_t)at >= begin && (uintptr_t)at < end;
        } else if (is_ours && strncmp(line, "VmFlags:", 8) == 0) {
            found = strstr(line, flag) != NULL;
        }
    }
    fclose(in);
    return found;
}

static void memory_that_comes_slowly_comes_in_small_pages(void **state)
{
    (void)state;
    const size_t n = 32U << 20;
    char *block = mem_alloc(MEM_WEIGHTS, n, MEM_ALIGN_PAGE);
    assert_non_null(block);
    const uint64_t begin_ns = mem_touch_begin();
    if (has_flag(block, " hg") != 1) skip();         /* a kernel without huge pages */
    mem_touch_end(block, begin_ns, (size_t)1 << 40); /* at a million GB/s */
    assert_int_equal(has_flag(block, " hg"), 1);
    mem_touch_end(block, begin_ns - 1000000000U, n); /* as if a second more had passed */
    assert_int_equal(has_flag(block, " hg"), 0);
    assert_int_equal(has_flag(block, " nh"), 1);
    char *later = mem_alloc(MEM_KV, n, MEM_ALIGN_PAGE);
    char *ring = mem_alloc(MEM_RING, n, MEM_ALIGN_PAGE);
    assert_non_null(later);
    assert_non_null(ring);
    assert_int_equal(has_flag(later, " hg"), 0);
    assert_int_equal(has_flag(ring, " hg"), 1);
    memset(later, 1, n);
    mem_touch(later, n);
    for (size_t i = 0; i < n; i += 4095) assert_int_equal(later[i], 0);
    mem_free(block);
    mem_free(later);
    mem_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_is_aligned_as_asked),
        cmocka_unit_test(use_is_counted_by_tag_and_returns_to_zero),
        cmocka_unit_test(an_injected_fault_gives_null_and_a_message),
        cmocka_unit_test(overflowing_sizes_are_refused),
        cmocka_unit_test(growing_keeps_the_content),
        cmocka_unit_test(memory_that_comes_slowly_comes_in_small_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

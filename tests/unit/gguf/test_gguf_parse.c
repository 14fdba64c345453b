/* SPDX-License-Identifier: MIT */
/* Proves that a right header is read in full and that each way of being wrong is refused by name,
 * never by a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gguf_writer.h"

/* Header, one entry of each kind, three tensors with data. */
static struct buf make_model(uint32_t version)
{
    struct buf buf = {0};
    put_header(&buf, version, 3, 8);
    put_kv_str(&buf, "general.architecture", "llama");
    put_kv_u32(&buf, "general.alignment", 64);
    put_key(&buf, "t.i8", GGUF_I8);
    put_uint(&buf, (uint8_t)-5, 1);
    put_key(&buf, "t.f64", GGUF_F64);
    put_uint(&buf, 0x3ff8000000000000, 8); /* 1.5 */
    put_key(&buf, "t.bool", GGUF_BOOL);
    put_uint(&buf, 1, 1);
    put_key(&buf, "t.strings", GGUF_ARRAY);
    put_uint(&buf, GGUF_STRING, 4);
    put_uint(&buf, 3, 8);
    put_str(&buf, "one");
    put_str(&buf, "");
    put_str(&buf, "three");
    put_key(&buf, "t.ints", GGUF_ARRAY);
    put_uint(&buf, GGUF_I16, 4);
    put_uint(&buf, 2, 8);
    put_uint(&buf, 7, 2);
    put_uint(&buf, (uint16_t)-8, 2);
    put_key(&buf, "t.u64", GGUF_U64);
    put_uint(&buf, UINT64_MAX, 8);
    /* Not in the order of their offsets. */
    put_tensor(&buf, "b", 256, 2, TENSOR_Q4_K, 64);
    put_tensor(&buf, "a", 4, 3, TENSOR_F32, 0);
    put_tensor(&buf, "c", 32, 1, TENSOR_Q8_0, 384);
    put_padding(&buf, 64);
    put_zeros(&buf, 384 + 34);
    return buf;
}

/* One tensor "w" of F32 [4, 4] at offset 0, and 64 bytes of data; the caller changes what it likes.
 */
static void put_tail(struct buf *buf)
{
    put_padding(buf, 32);
    put_zeros(buf, 64);
}

/* Parses, frees the buffer, and demands @p status and that the message contains @p words. */
static void refuse(struct buf *buf, int status, const char *words)
{
    struct gguf *gguf = NULL;
    const int rc = gguf_parse(buf->data, buf->len, buf->len, &gguf);
    if (rc != status || !strstr(error_message(), words)) {
        print_error("status %d, message: %s\n", rc, error_message());
    }
    assert_int_equal(rc, status);
    assert_non_null(strstr(error_message(), words));
    assert_null(gguf);
    buf_deinit(buf);
}

static void every_field_of_both_versions_is_read(void **state)
{
    (void)state;
    for (uint32_t version = 2; version <= 3; version++) {
        struct buf buf = make_model(version);
        struct gguf *gguf = NULL;
        assert_int_equal(gguf_parse(buf.data, buf.len, buf.len, &gguf), 0);
        buf_deinit(&buf); /* the parser has its own copy */
        assert_int_equal(gguf->version, version);
        assert_int_equal(gguf->alignment, 64);
        assert_int_equal(gguf->n_kvs, 8);
        assert_int_equal(gguf->n_tensors, 3);
        assert_int_equal(gguf->header_bytes % 64, 0);
        assert_int_equal(gguf_kv_i64(gguf_find(gguf, "t.i8"), 0), -5);
        assert_true(gguf_kv_f64(gguf_find(gguf, "t.f64"), 0) == 1.5);
        assert_int_equal(gguf_find(gguf, "t.bool")->data[0], 1);
        const struct gguf_kv *strings = gguf_find(gguf, "t.strings");
        assert_int_equal(strings->n_elems, 3);
        assert_true(str_equal(strings->strings[0], STR_LIT("one")));
        assert_int_equal(strings->strings[1].len, 0);
        assert_true(str_equal(strings->strings[2], STR_LIT("three")));
        const struct gguf_kv *ints = gguf_find(gguf, "t.ints");
        assert_int_equal(ints->elem_type, GGUF_I16);
        assert_int_equal(gguf_kv_i64(ints, 0), 7);
        assert_int_equal(gguf_kv_i64(ints, 1), -8);
        assert_true(gguf_kv_u64(gguf_find(gguf, "t.u64"), 0) == UINT64_MAX);
        const struct gguf_tensor *b = gguf_find_tensor(gguf, "b");
        assert_int_equal(b->type, TENSOR_Q4_K);
        assert_int_equal(b->n_bytes, 288);
        assert_int_equal(b->offset, gguf->header_bytes + 64);
        assert_int_equal(b->dims[0], 256);
        assert_int_equal(b->dims[1], 2);
        assert_int_equal(b->dims[2], 1);
        assert_int_equal(gguf_find_tensor(gguf, "a")->n_bytes, 48);
        assert_null(gguf_find_tensor(gguf, "d"));
        assert_null(gguf_find(gguf, "t"));
        gguf_close(&gguf);
        assert_null(gguf);
    }
}

static void a_vocabulary_without_tensors_and_padding_is_fine(void **state)
{
    (void)state;
    struct buf buf = {0};
    put_header(&buf, 3, 0, 1);
    put_kv_str(&buf, "k", "v");
    struct gguf *gguf = NULL;
    assert_int_equal(gguf_parse(buf.data, buf.len, buf.len, &gguf), 0);
    assert_int_equal(gguf->n_tensors, 0);
    gguf_close(&gguf);
    buf_deinit(&buf);
}

static void a_span_that_is_too_short_asks_for_more_and_a_file_is_called_cut_short(void **state)
{
    (void)state;
    struct buf buf = make_model(3);
    struct gguf *gguf = NULL;
    assert_int_equal(gguf_parse(buf.data, buf.len, buf.len, &gguf), 0);
    const uint64_t header_bytes = gguf->header_bytes;
    gguf_close(&gguf);
    const size_t used = mem_used(MEM_HEADER);
    for (size_t n = 0; n < buf.len; n++) {
        /* A copy of exactly n bytes, so that a sanitizer sees any read behind it. */
        char *prefix = mem_strndup(MEM_GENERAL, buf.data, n);
        assert_non_null(prefix);
        const int rc = gguf_parse(prefix, n, buf.len, &gguf);
        /* The padding behind the directory is not needed. */
        assert_true(n >= header_bytes ? rc == 0 : rc == 0 || rc == NMOS_E_TRUNCATED);
        if (n + 64 < header_bytes) assert_int_equal(rc, NMOS_E_TRUNCATED);
        gguf_close(&gguf);
        assert_int_equal(gguf_parse(prefix, n, n, &gguf), NMOS_E_CORRUPT);
        mem_free(prefix);
    }
    assert_int_equal(mem_used(MEM_HEADER), used);
    buf_deinit(&buf);
}

static void random_corruption_gives_a_status_and_leaks_nothing(void **state)
{
    (void)state;
    const struct buf good = make_model(3);
    const size_t used = mem_used(MEM_HEADER);
    uint64_t seed = 0x9e3779b97f4a7c15;
    int n_ok = 0;
    for (int round = 0; round < 20000; round++) {
        struct buf bad = {0};
        put_bytes(&bad, good.data, good.len);
        for (int flips = 0; flips < 1 + round % 4; flips++) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            bad.data[(seed >> 33) % 420] = (char)(seed >> 24);
        }
        struct gguf *gguf = NULL;
        const int rc = gguf_parse(bad.data, bad.len, bad.len, &gguf);
        assert_true(rc == 0 || rc == NMOS_E_CORRUPT || rc == NMOS_E_UNSUPPORTED ||
                    rc == NMOS_E_LIMIT);
        assert_true(rc == 0 || error_message()[0]);
        n_ok += rc == 0;
        gguf_close(&gguf);
        buf_deinit(&bad);
    }
    assert_true(n_ok > 0);
    assert_int_equal(mem_used(MEM_HEADER), used);
    struct buf owned = good;
    buf_deinit(&owned);
}

static void other_files_are_called_by_their_first_bytes(void **state)
{
    (void)state;
    struct buf buf = {0};
    put_bytes(&buf, "Hello, world", 12);
    refuse(&buf, NMOS_E_CORRUPT, "starts with \"Hell\"");
    put_uint(&buf, 0x8000e2ff, 4);
    put_zeros(&buf, 60);
    refuse(&buf, NMOS_E_CORRUPT, "ff e2 00 80");
}

static void versions_that_cannot_be_read_are_refused_by_name(void **state)
{
    (void)state;
    struct buf buf = {0};
    put_header(&buf, 1, 0, 0);
    refuse(&buf, NMOS_E_UNSUPPORTED, "version 1");
    put_header(&buf, 4, 0, 0);
    refuse(&buf, NMOS_E_UNSUPPORTED, "version 4");
    put_header(&buf, 0x03000000, 0, 0);
    refuse(&buf, NMOS_E_UNSUPPORTED, "big-endian");
}

static void absurd_counts_are_refused_before_memory_is_taken(void **state)
{
    (void)state;
    struct buf buf = {0};
    put_header(&buf, 3, 0, UINT64_MAX);
    refuse(&buf, NMOS_E_LIMIT, "18446744073709551615 entries");
    put_header(&buf, 3, 0, 60000);
    refuse(&buf, NMOS_E_CORRUPT, "60000 entries cannot fit in the 0 bytes left");
    put_header(&buf, 3, 200000, 0);
    refuse(&buf, NMOS_E_CORRUPT, "200000 entries cannot fit");
    put_header(&buf, 3, 0, 1);
    put_key(&buf, "k", GGUF_ARRAY);
    put_uint(&buf, GGUF_U8, 4);
    put_uint(&buf, (uint64_t)1 << 40, 8);
    refuse(&buf, NMOS_E_LIMIT, "metadata key k: 1099511627776 entries");
    put_header(&buf, 3, 0, 1);
    put_key(&buf, "k", GGUF_STRING);
    put_uint(&buf, UINT64_MAX, 8);
    refuse(&buf, NMOS_E_CORRUPT, "inside metadata key k");
}

static void bad_metadata_is_refused_by_key(void **state)
{
    (void)state;
    struct buf buf = {0};
    put_header(&buf, 3, 0, 3);
    put_kv_u32(&buf, "twin", 1);
    put_kv_u32(&buf, "other", 1);
    put_kv_u32(&buf, "twin", 2);
    refuse(&buf, NMOS_E_CORRUPT, "twin appears twice, as number 0 and 2");
    put_header(&buf, 3, 0, 1);
    put_str(&buf, "odd");
    put_uint(&buf, 13, 4);
    put_zeros(&buf, 8);
    refuse(&buf, NMOS_E_CORRUPT, "odd: the value has type number 13");
    put_header(&buf, 3, 0, 1);
    put_key(&buf, "nest", GGUF_ARRAY);
    put_uint(&buf, GGUF_ARRAY, 4);
    put_zeros(&buf, 16);
    refuse(&buf, NMOS_E_UNSUPPORTED, "nest: arrays of arrays");
    put_header(&buf, 3, 0, 1);
    put_key(&buf, "flag", GGUF_BOOL);
    put_uint(&buf, 2, 1);
    refuse(&buf, NMOS_E_CORRUPT, "flag: element 0 is 2");
    put_header(&buf, 3, 0, 1);
    put_kv_u32(&buf, "", 1);
    refuse(&buf, NMOS_E_CORRUPT, "name of 0 bytes");
    put_header(&buf, 3, 0, 1);
    put_kv_u32(&buf, "esc\x1b[2J", 1);
    refuse(&buf, NMOS_E_CORRUPT, "control byte 0x1b");
}

static void an_alignment_must_be_a_power_of_two(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0, 3, 48, 1U << 25};
    for (size_t i = 0; i < 4; i++) {
        struct buf buf = {0};
        put_header(&buf, 3, 0, 1);
        put_kv_u32(&buf, "general.alignment", bad[i]);
        refuse(&buf, NMOS_E_CORRUPT, "general.alignment is");
    }
}

/* Refuses a model whose only tensor is given by the arguments. */
static void refuse_tensor(uint64_t n_cols, uint64_t n_rows, uint32_t type, uint64_t offset,
                          int status, const char *words)
{
    struct buf buf = {0};
    put_header(&buf, 3, 1, 0);
    put_tensor(&buf, "w", n_cols, n_rows, type, offset);
    put_tail(&buf);
    refuse(&buf, status, words);
}

static void bad_tensors_are_refused_by_name_and_number(void **state)
{
    (void)state;
    refuse_tensor(0, 4, TENSOR_F32, 0, NMOS_E_CORRUPT, "tensor w: dimension 0 is 0");
    refuse_tensor(4, (uint64_t)1 << 32, TENSOR_F32, 0, NMOS_E_CORRUPT, "dimension 1 is 4294967296");
    refuse_tensor(33, 1, TENSOR_Q4_0, 0, NMOS_E_CORRUPT,
                  "rows of 33 elements are no multiple of the 32");
    refuse_tensor(4, 4, 4, 0, NMOS_E_UNSUPPORTED, "tensor w has type number 4,");
    refuse_tensor(4, 4, 4000, 0, NMOS_E_UNSUPPORTED, "type number 4000");
    refuse_tensor(4, 4, TENSOR_F32, 8, NMOS_E_CORRUPT,
                  "offset 8 is no multiple of the alignment 32");
    refuse_tensor(4, 5, TENSOR_F32, 0, NMOS_E_CORRUPT, "tensor w: 80 bytes from offset 0");
    refuse_tensor(4, 4, TENSOR_F32, UINT64_MAX - 31, NMOS_E_CORRUPT, "cut short or damaged");
    refuse_tensor(GGUF_DIM_MAX, GGUF_DIM_MAX, TENSOR_F64, 0, NMOS_E_CORRUPT,
                  "more than 2^64 bytes");
    struct buf buf = {0};
    put_header(&buf, 3, 1, 0);
    put_str(&buf, "w");
    put_uint(&buf, 5, 4);
    put_zeros(&buf, 64);
    refuse(&buf, NMOS_E_CORRUPT, "tensor w has 5 dimensions");
}

static void tensors_that_share_a_name_or_bytes_are_refused(void **state)
{
    (void)state;
    struct buf buf = {0};
    put_header(&buf, 3, 2, 0);
    put_tensor(&buf, "same", 4, 2, TENSOR_F32, 0);
    put_tensor(&buf, "same", 4, 2, TENSOR_F32, 32);
    put_tail(&buf);
    refuse(&buf, NMOS_E_CORRUPT, "tensor same appears twice");
    put_header(&buf, 3, 2, 0);
    put_tensor(&buf, "late", 4, 2, TENSOR_F32, 32);
    put_tensor(&buf, "early", 4, 3, TENSOR_F32, 0);
    put_tail(&buf);
    refuse(&buf, NMOS_E_CORRUPT, "overlaps tensor late");
}

static void a_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    struct buf buf = make_model(3);
    const size_t used = mem_used(MEM_HEADER);
    int n_failed = 0;
    for (int64_t n = 0;; n++) {
        struct gguf *gguf = NULL;
        mem_fail_after(n);
        const int rc = gguf_parse(buf.data, buf.len, buf.len, &gguf);
        mem_fail_after(-1);
        gguf_close(&gguf);
        assert_int_equal(mem_used(MEM_HEADER), used);
        if (rc == 0) break;
        assert_int_equal(rc, NMOS_E_NOMEM);
        n_failed++;
    }
    assert_true(n_failed > 8);
    buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_both_versions_is_read),
        cmocka_unit_test(a_vocabulary_without_tensors_and_padding_is_fine),
        cmocka_unit_test(a_span_that_is_too_short_asks_for_more_and_a_file_is_called_cut_short),
        cmocka_unit_test(random_corruption_gives_a_status_and_leaks_nothing),
        cmocka_unit_test(other_files_are_called_by_their_first_bytes),
        cmocka_unit_test(versions_that_cannot_be_read_are_refused_by_name),
        cmocka_unit_test(absurd_counts_are_refused_before_memory_is_taken),
        cmocka_unit_test(bad_metadata_is_refused_by_key),
        cmocka_unit_test(an_alignment_must_be_a_power_of_two),
        cmocka_unit_test(bad_tensors_are_refused_by_name_and_number),
        cmocka_unit_test(tensors_that_share_a_name_or_bytes_are_refused),
        cmocka_unit_test(a_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

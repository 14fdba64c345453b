/* SPDX-License-Identifier: MIT */
/* Proves that files of any header size and split models open, and that what fails is named and
 * leaks nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gguf_writer.h"

static char dir[] = "gguf-open-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return system("rm -f *.gguf") == 0 && chdir("..") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static void write_file(const char *path, struct buf *buf)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(buf->data, 1, buf->len, file), buf->len);
    fclose(file);
    buf_deinit(buf);
}

/* Part @p i of @p n with one tensor called @p name. */
static void write_part(const char *path, uint32_t i, uint32_t n, const char *name)
{
    struct buf buf = {0};
    put_header(&buf, 3, 1, 3);
    put_kv_u32(&buf, "split.no", i);
    put_kv_u32(&buf, "split.count", n);
    put_kv_u32(&buf, "split.tensors.count", 3);
    put_tensor(&buf, name, 32, 1, TENSOR_Q8_0, 0);
    put_padding(&buf, 32);
    put_zeros(&buf, 34 + i);
    write_file(path, &buf);
}

static void refuse(const char *path, int status, const char *words)
{
    struct gguf *gguf = NULL;
    const size_t used = mem_used(MEM_HEADER);
    assert_int_equal(gguf_open(path, &gguf), status);
    assert_null(gguf);
    assert_int_equal(mem_used(MEM_HEADER), used);
    if (!strstr(error_message(), words)) fail_msg("message: %s", error_message());
}

static void a_header_of_several_megabytes_is_read_in_steps(void **state)
{
    (void)state;
    struct buf buf = {0};
    const uint64_t n = 400000;
    put_header(&buf, 3, 1, 1);
    put_key(&buf, "tokens", GGUF_ARRAY);
    put_uint(&buf, GGUF_STRING, 4);
    put_uint(&buf, n, 8);
    for (uint64_t i = 0; i < n; i++) {
        char token[16];
        snprintf(token, sizeof(token), "%llu", (unsigned long long)i);
        put_str(&buf, token);
    }
    put_tensor(&buf, "w", 4, 4, TENSOR_F32, 0);
    put_padding(&buf, 32);
    put_zeros(&buf, 64);
    const size_t file_bytes = buf.len;
    assert_true(file_bytes > (5U << 20));
    write_file("big.gguf", &buf);
    struct gguf *gguf = NULL;
    assert_int_equal(gguf_open("big.gguf", &gguf), 0);
    const struct gguf_kv *tokens = gguf_find(gguf, "tokens");
    assert_int_equal(tokens->n_elems, n);
    assert_true(str_equal(tokens->strings[n - 1], STR_LIT("399999")));
    assert_int_equal(gguf_find_tensor(gguf, "w")->offset, file_bytes - 64);
    assert_string_equal(gguf->paths[0], "big.gguf");
    /* The header and a view per token, nothing else of size. */
    assert_true(mem_used(MEM_HEADER) < file_bytes + n * sizeof(struct str) + 100000);
    gguf_close(&gguf);
}

static void the_parts_of_a_split_model_are_joined(void **state)
{
    (void)state;
    write_part("m-00001-of-00003.gguf", 0, 3, "a");
    write_part("m-00002-of-00003.gguf", 1, 3, "b");
    write_part("m-00003-of-00003.gguf", 2, 3, "c");
    struct gguf *gguf = NULL;
    const size_t used = mem_used(MEM_HEADER);
    assert_int_equal(gguf_open("m-00001-of-00003.gguf", &gguf), 0);
    assert_int_equal(gguf->n_files, 3);
    assert_int_equal(gguf->n_tensors, 3);
    assert_string_equal(gguf->paths[2], "m-00003-of-00003.gguf");
    assert_int_equal(gguf->file_bytes[2], gguf->file_bytes[0] + 2);
    assert_int_equal(gguf_find_tensor(gguf, "c")->file_i, 2);
    assert_int_equal(gguf_find_tensor(gguf, "a")->file_i, 0);
    gguf_close(&gguf);
    assert_int_equal(mem_used(MEM_HEADER), used);
}

static void a_split_model_that_does_not_fit_together_is_refused(void **state)
{
    (void)state;
    write_part("s-00001-of-00003.gguf", 0, 3, "a");
    write_part("s-00002-of-00003.gguf", 1, 3, "b");
    refuse("s-00001-of-00003.gguf", NMOS_E_IO,
           "part 3 of 3 of the split model: cannot open s-00003-of-00003");
    write_part("s-00003-of-00003.gguf", 1, 3, "c");
    refuse("s-00001-of-00003.gguf", NMOS_E_CORRUPT, "says it is part 2 of 3; part 3 of 3");
    write_part("s-00003-of-00003.gguf", 2, 3, "a");
    refuse("s-00001-of-00003.gguf", NMOS_E_CORRUPT, "tensor a appears twice");
    refuse("s-00002-of-00003.gguf", NMOS_E_UNSUPPORTED, "name the first part");
    write_part("x.gguf", 0, 2, "a");
    refuse("x.gguf", NMOS_E_UNSUPPORTED, "does not end in -00001-of-00002.gguf");
    write_part("y-00001-of-00002.gguf", 0, 2, "a");
    write_part("y-00002-of-00002.gguf", 1, 2, "b");
    refuse("y-00001-of-00002.gguf", NMOS_E_CORRUPT,
           "split.tensors.count is 3, but the 2 parts hold 2");
}

static void what_is_no_file_is_named(void **state)
{
    (void)state;
    refuse("absent.gguf", NMOS_E_IO, "cannot open absent.gguf: No such file");
    refuse(".", NMOS_E_IO, "is a directory");
    refuse("/dev/null", NMOS_E_IO, "not a regular file");
    struct buf buf = {0};
    write_file("empty.gguf", &buf);
    refuse("empty.gguf", NMOS_E_CORRUPT, "empty.gguf is empty");
    assert_int_equal(mkfifo("fifo.gguf", 0600), 0);
    refuse("fifo.gguf", NMOS_E_IO, "not a regular file"); /* and does not wait for a writer */
}

static void a_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    write_part("n-00001-of-00003.gguf", 0, 3, "a");
    write_part("n-00002-of-00003.gguf", 1, 3, "b");
    write_part("n-00003-of-00003.gguf", 2, 3, "c");
    const size_t used = mem_used(MEM_HEADER);
    for (int64_t n = 0;; n++) {
        struct gguf *gguf = NULL;
        mem_fail_after(n);
        const int rc = gguf_open("n-00001-of-00003.gguf", &gguf);
        mem_fail_after(-1);
        gguf_close(&gguf);
        assert_int_equal(mem_used(MEM_HEADER), used);
        if (rc == 0) break;
        assert_int_equal(rc, NMOS_E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_of_several_megabytes_is_read_in_steps),
        cmocka_unit_test(the_parts_of_a_split_model_are_joined),
        cmocka_unit_test(a_split_model_that_does_not_fit_together_is_refused),
        cmocka_unit_test(what_is_no_file_is_named),
        cmocka_unit_test(a_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

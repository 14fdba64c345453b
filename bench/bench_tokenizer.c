/* SPDX-License-Identifier: MIT */
/*
 * bench_tokenizer VOCAB.gguf [TEXT]: speed of encoding, one JSON line per text.
 *
 * With TEXT (English prose): MB/s, the best of five runs. Without: the time per byte of a megabyte
 * without a space, at once and in pieces of 10 KB, which are equal where time is linear; medians of
 * nine runs of each in turn. One thread; one more run before them not counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tokenizer/tokenizer.h"

#define RUNS       5
#define SWEEPS     9
#define TEXT_BYTES 1020000U /* a multiple of all units, and so is a hundredth of it */

/* Nanoseconds this thread has computed: others on the machine do not count. */
static double thread_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Best time of one encode in nanoseconds; negative after a failure. */
static double time_encode(struct tokenizer *t, struct str text, size_t *ret_ids)
{
    double best = -1;
    struct token_ids ids = {0};
    for (int run = 0; run <= RUNS; run++) {
        ids.n = 0;
        const double start = thread_ns();
        if (tokenizer_encode(t, text, 0, &ids) < 0) {
            best = -1;
            break;
        }
        const double ns = thread_ns() - start;
        if (run > 0 && (best < 0 || ns < best)) best = ns;
    }
    *ret_ids = ids.n;
    token_ids_deinit(&ids);
    return best;
}

static int bench_text(struct tokenizer *t, const char *name, struct str text)
{
    size_t n_ids = 0;
    const double ns = time_encode(t, text, &n_ids);
    if (ns < 0) return NMOS_E_INVALID;
    printf("{\"name\":\"tokenize %s "
           "%s\",\"bytes\":%zu,\"ids\":%zu,\"ns_per_byte\":%.1f,\"MBps\":%.2f}\n",
           tokenizer_name(t), name, text.len, n_ids, ns / (double)text.len,
           (double)text.len * 1e3 / ns);
    return 0;
}

/* A megabyte: @p chars again and again, or one of them at a time without order. */
static int make_run(struct buf *text, const char *chars, int is_random)
{
    const size_t n_bytes = strlen(chars);
    const size_t char_bytes = (size_t)utf8_char_len(chars, n_bytes); /* all are as long */
    text->len = 0;
    TRY(buf_reserve(text, TEXT_BYTES));
    uint32_t state = 1;
    while (text->len < TEXT_BYTES) {
        if (!is_random) {
            TRY(buf_append(text, chars, n_bytes));
            continue;
        }
        state = state * 1664525U + 1013904223U;
        const size_t i = (uint64_t)state * (n_bytes / char_bytes) >> 32;
        TRY(buf_append(text, chars + i * char_bytes, char_bytes));
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of SWEEPS values, which it puts in order. */
static double median(double *values)
{
    qsort(values, SWEEPS, sizeof(*values), compare);
    return values[SWEEPS / 2];
}

/* One sweep over the text in pieces. @return nanoseconds, negative after a failure. */
static double time_sweep(struct tokenizer *t, struct str text, size_t piece_bytes,
                         struct token_ids *ids)
{
    const double start = thread_ns();
    ids->n = 0;
    for (size_t at = 0; at < text.len; at += piece_bytes) {
        const size_t left = text.len - at;
        const struct str piece = {text.data + at, left < piece_bytes ? left : piece_bytes};
        if (tokenizer_encode(t, piece, 0, ids) < 0) return -1;
    }
    return thread_ns() - start;
}

/* The same megabyte at once and in pieces of 10 KB, in turn, all ids into one list. No piece is
 * seen twice in a row, which would let the processor learn it by heart. */
static int bench_run(struct tokenizer *t, const char *name, struct str text)
{
    const size_t sizes[] = {TEXT_BYTES / 100, text.len};
    double ns[2][SWEEPS];
    double ratios[SWEEPS];
    struct token_ids ids = {0};
    int rc = 0;
    for (int run = -1; run < SWEEPS && rc == 0; run++) {
        const int at = run < 0 ? 0 : run;
        for (int i = 0; i < 2; i++) {
            ns[i][at] = time_sweep(t, text, sizes[i], &ids);
            if (ns[i][at] < 0) rc = NMOS_E_INVALID;
        }
        ratios[at] = ns[1][at] / ns[0][at];
    }
    token_ids_deinit(&ids);
    if (rc < 0) return rc;
    const double n = (double)text.len;
    printf("{\"name\":\"tokenize %s run of %s\",\"ns_per_byte_10KB\":%.1f,"
           "\"ns_per_byte_1MB\":%.1f,\"ratio\":%.3f}\n",
           tokenizer_name(t), name, median(ns[0]) / n, median(ns[1]) / n, median(ratios));
    return 0;
}

static int bench_runs(struct tokenizer *t)
{
    static const struct {
        const char *name;
        const char *chars;
        int is_random;
    } runs[] = {
        {"letter", "a", 0},
        {"spaces", " ", 0},
        {"digits", "7", 0},
        {"newlines", "\n", 0},
        {"dashes", "-", 0},
        {"ideograms", "漢字", 0},
        {"emoji", "\xf0\x9f\x98\x80", 0},
        {"marks", "\xcc\x81", 0},
        {"stray bytes", "\xff\x80", 0},
        {"capitals", "A", 0},
        {"letters without order",
         "eeeettttaaaooiinnsshrdlucmfwypgbvkjxqzeeettaaooiinnsshrrddlluccm", 1},
        {"digits without order", "0123456789", 1},
        {"ideograms without order", "的一是不了人我在有他這個們中來上大為和國地到以說時要就出會可",
         1},
    };
    struct buf text = {0};
    int rc = 0;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]) && rc == 0; i++) {
        rc = make_run(&text, runs[i].chars, runs[i].is_random);
        if (rc == 0) rc = bench_run(t, runs[i].name, (struct str){text.data, text.len});
    }
    buf_deinit(&text);
    return rc;
}

int main(int argc, char **argv)
{
    struct gguf *gguf = NULL;
    struct tokenizer *t = NULL;
    struct buf text = {0};
    int rc = argc < 2 ? FAIL(NMOS_E_INVALID, "usage: bench_tokenizer VOCAB.gguf [TEXT]") : 0;
    if (rc == 0) rc = gguf_open(argv[1], &gguf);
    const double start = thread_ns();
    if (rc == 0) rc = tokenizer_create(gguf, &t);
    if (rc == 0) {
        printf("{\"name\":\"load %s\",\"ms\":%.1f,\"bytes\":%zu}\n", tokenizer_name(t),
               (thread_ns() - start) / 1e6, mem_used(MEM_VOCAB));
    }
    if (rc == 0 && argc > 2) rc = buf_read_file(&text, argv[2], (size_t)1 << 28);
    if (rc == 0 && argc > 2) rc = bench_text(t, "text", (struct str){text.data, text.len});
    if (rc == 0 && argc <= 2) rc = bench_runs(t);
    if (rc < 0) (void)fprintf(stderr, "bench_tokenizer: %s\n", error_message());
    buf_deinit(&text);
    tokenizer_destroy(&t);
    gguf_close(&gguf);
    return rc < 0;
}

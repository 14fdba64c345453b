/* SPDX-License-Identifier: MIT */
/* Measures the failure memory with N events of each kind in turn (default: as many as it keeps of
 * experts, and 2000 more): additions, look-ups, memory, files, opening. Fails when it is not
 * bounded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "intent/correction_store.h"

#define N_LOOKUPS 20000

static const char *const words[] = {
    "river",  "invoice", "tenant",  "guitar",  "python", "chapter",  "garden",
    "ticket", "vaccine", "harbour", "slide",   "budget", "function", "passage",
    "winter", "engine",  "museum",  "letter",  "clause", "recipe",   "camera",
    "planet", "bridge",  "export",  "summary", "table",  "window",   "actor"};

/* A prompt of 4 to 9 words and numbers that depends on @p i only. */
static size_t prompt(uint64_t i, char *text)
{
    uint64_t x = (i + 1) * 0x9E3779B97F4A7C15U;
    size_t n = 0;
    for (int k = (int)(4 + (x >> 60) % 6); k > 0; k--) {
        x = (x ^ x >> 29) * 0xBF58476D1CE4E5B9U;
        n += (size_t)sprintf(text + n, "%s%llu ", words[(x >> 32) % 28],
                             (unsigned long long)(x >> 52) % 40);
        n += (size_t)sprintf(text + n, "%c%c%c ", (int)('a' + (x >> 8) % 26),
                             (int)('a' + (x >> 16) % 26), (int)('a' + (x >> 24) % 26));
    }
    return n;
}

static long resident_kib(void)
{
    char line[128];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "VmRSS: %ld", &kib) == 1) break;
    }
    if (file) fclose(file);
    return kib;
}

static int by_time(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int count(void *arg, const struct nmos_memory_event *event,
                 const struct correction_experts *experts)
{
    uint64_t *n = arg;
    n[event->kind]++;
    return experts->packed.len == (event->kind ? STORE_EXPERTS_MAX : 0) ? 0 : -1;
}

/* Half of them are texts that were added lately, not quite the same. @return 0 when fewer than 95 %
 * of these are found. */
static int measure_lookups(struct correction_store *store, uint64_t n, int kind)
{
    static uint64_t times[N_LOOKUPS];
    char text[512];
    uint64_t n_found = 0;
    for (uint64_t i = 0; i < N_LOOKUPS; i++) {
        struct correction_found found;
        size_t len = prompt(i % 2 ? 4 * n + i : 2 * (n - 1 - i % (n / 2)) + (uint64_t)kind, text);
        if (i % 2 == 0) len -= 4;
        const uint64_t begin = clock_ns();
        if (kind == NMOS_MEMORY_INTENT) {
            correction_store_find_intent(store, (struct str){text, len}, &found);
        } else {
            correction_store_find_experts(store, (struct str){text, len}, 1, &found);
        }
        times[i] = clock_ns() - begin;
        n_found += i % 2 == 0 && found.likeness > 0;
    }
    qsort(times, N_LOOKUPS, sizeof(times[0]), by_time);
    printf("look-up of %s: median %.1f us, p99 %.1f us, most %.1f us; found %.1f %% of those that "
           "are there\n",
           kind == NMOS_MEMORY_INTENT ? "intents" : "experts", (double)times[N_LOOKUPS / 2] * 1e-3,
           (double)times[N_LOOKUPS / 100 * 99] * 1e-3, (double)times[N_LOOKUPS - 1] * 1e-3,
           200.0 * (double)n_found / N_LOOKUPS);
    return n_found * 200 >= N_LOOKUPS * 95;
}

static int add(struct correction_store *store, uint64_t i, int kind)
{
    static char packed[STORE_EXPERTS_MAX];
    char text[512];
    const struct str view = {text, prompt(2 * i + (uint64_t)kind, text)};
    const struct nmos_memory_event event = {
        .text = text, .text_bytes = view.len, .predicted = "CODE", .actual = "CHAT"};
    const struct correction_experts experts = {1, {packed, sizeof(packed)}};
    memset(packed, (int)i, sizeof(packed));
    return kind == NMOS_MEMORY_INTENT
               ? correction_store_add(store, &event)
               : correction_store_add_experts(store, view, "25 of 40", &experts);
}

static int failed(void)
{
    fprintf(stderr, "%s\n", nmos_last_error());
    return 1;
}

static void print_sizes(const char *path)
{
    static const char *const parts[] = {"", "-wal", ".index", ".experts.index"};
    for (int i = 0; i < 4; i++) {
        char name[512];
        struct stat info;
        snprintf(name, sizeof(name), "%s%s", path, parts[i]);
        if (stat(name, &info) == 0) printf("%s %.1f MB\n", name, (double)info.st_size * 1e-6);
    }
}

int main(int argc, char **argv)
{
    struct correction_store *store = NULL;
    const char *path = argc > 1 ? argv[1] : "bench-failures.db";
    const uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : STORE_EXPERT_EVENTS_MAX + 2000;
    uint64_t n_kept[2] = {0};
    if (correction_store_open(path, &store) < 0) return failed();
    const long before_kib = resident_kib();
    uint64_t begin = clock_ns();
    for (uint64_t i = 0; i < 2 * n; i++) {
        if (add(store, i / 2, (int)(i % 2)) < 0) return failed();
    }
    printf("%llu events of each kind added, %.1f us each\n", (unsigned long long)n,
           (double)(clock_ns() - begin) * 0.5e-3 / (double)n);
    printf("%.1f MB more resident memory\n", (double)(resident_kib() - before_kib) * 1.024e-3);
    if (correction_store_list(store, count, n_kept) < 0) return failed();
    begin = clock_ns();
    correction_store_close(&store);
    printf("%llu and %llu are kept; closed in %.2f s\n", (unsigned long long)n_kept[0],
           (unsigned long long)n_kept[1], (double)(clock_ns() - begin) * 1e-9);
    begin = clock_ns();
    if (correction_store_open(path, &store) < 0) return failed();
    printf("opened in %.2f s\n", (double)(clock_ns() - begin) * 1e-9);
    int is_good = measure_lookups(store, n, NMOS_MEMORY_INTENT);
    is_good &= measure_lookups(store, n, NMOS_MEMORY_EXPERT);
    correction_store_close(&store);
    print_sizes(path);
    return !is_good || n_kept[0] + n_kept[1] > STORE_EVENTS_MAX ||
           n_kept[1] > STORE_EXPERT_EVENTS_MAX;
}

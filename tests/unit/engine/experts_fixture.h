/* SPDX-License-Identifier: MIT */
/* What the tests of models with a cache of experts share: a tiny mixture of experts opened in
 * little memory, and a cache folder of their own. */
#ifndef NMOS_TESTS_EXPERTS_FIXTURE_H
#define NMOS_TESTS_EXPERTS_FIXTURE_H

#include <dirent.h>
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "least_memory.h"

#define MORE_BYTES 3000000U /* memory beyond the least: for a part of the experts */
#define N_LONG     90U /* wants all 16 experts of every layer: more than the smallest cache holds */

static const char *path;
static char cache_dir[200];

static struct nmos_model_options options_for(uint64_t ram_bytes)
{
    struct nmos_model_options options = nmos_model_options_default();
    options.path = path;
    options.ram_bytes = ram_bytes;
    options.ctx = 128;
    options.rows_max = N_LONG;
    options.n_threads = 2;
    return options;
}

/* Opens with @p more_bytes beyond the least memory. */
static struct nmos_model *open_with(struct nmos_model_options options, uint64_t more_bytes)
{
    struct nmos_model *model = NULL;
    if (open_with_least(options, more_bytes, 65536, &model) < 0) fail_msg("%s", nmos_last_error());
    return model;
}

static inline struct nmos_model *open_small(uint64_t more_bytes)
{
    return open_with(options_for(1), more_bytes);
}

/* ... and learns for each of the named intents apart. */
static inline struct nmos_model *open_learning_of(const char *const *names, size_t n_names,
                                                  unsigned learns)
{
    struct nmos_model_options options = options_for(1);
    options.intents = names;
    options.n_intents = n_names;
    options.learns = learns;
    return open_with(options, MORE_BYTES);
}

/* The only file of the cache folder; "" when there is none. */
static inline void find_memory(char *name, size_t size)
{
    char folder[300];
    snprintf(folder, sizeof(folder), "%s/nmos", cache_dir);
    DIR *dir = opendir(folder);
    name[0] = '\0';
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        if (e->d_name[0] != '.') snprintf(name, size, "%s/%s", folder, e->d_name);
    }
    if (dir) closedir(dir);
}

static inline void remove_folder(void)
{
    char name[600];
    for (find_memory(name, sizeof(name)); name[0]; find_memory(name, sizeof(name))) {
        if (unlink(name) != 0) break;
    }
    snprintf(name, sizeof(name), "%s/nmos", cache_dir);
    (void)rmdir(name);
    (void)rmdir(cache_dir);
}

/* Names the model, and a cache folder for remove_folder(). */
static int begin_experts(const char *model)
{
    path = model;
    if (!getcwd(cache_dir, sizeof(cache_dir) - 40)) return -1;
    snprintf(cache_dir + strlen(cache_dir), 40, "/test_experts_%d.tmp", (int)getpid());
    return setenv("XDG_CACHE_HOME", cache_dir, 1);
}

#endif

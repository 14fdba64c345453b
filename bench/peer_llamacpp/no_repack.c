/* SPDX-License-Identifier: MIT */
/*
 * Keeps llama.cpp v0.5.0 from copying its weights into repacked buffers: load it with LD_PRELOAD.
 *
 * node-llama-cpp offers no switch for it, and with the copies a model larger than memory is killed
 * while it loads. The defaults that the add-on asks for are handed on with use_extra_bufts cleared,
 * so the weights stay in the mapped file. The structure is that of llama.h of the release named
 * here.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LIBRARY "libllama.v0.5.0.so"

struct llama_model_params {
    void *devices;
    const void *tensor_buft_overrides;
    int32_t n_gpu_layers;
    int32_t split_mode;
    int32_t load_mode;
    int32_t lazy_mode;
    int32_t main_gpu;
    const float *tensor_split;
    void *progress_callback;
    void *progress_callback_user_data;
    const void *kv_overrides;
    bool vocab_only;
    bool check_tensors;
    bool use_extra_bufts;
    bool no_host;
    bool no_alloc;
    bool load_mtp;
};

typedef struct llama_model_params (*default_params_fn)(void);

__attribute__((visibility("default"))) struct llama_model_params llama_model_default_params(void);

struct llama_model_params llama_model_default_params(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_NOLOAD);
    union {
        void *symbol;
        default_params_fn call;
    } real = {.symbol = library ? dlsym(library, "llama_model_default_params") : NULL};
    if (!real.symbol) {
        fprintf(stderr, "no_repack: " LIBRARY " is not loaded: %s\n", dlerror());
        exit(1);
    }
    struct llama_model_params params = real.call();
    if (!params.use_extra_bufts) {
        fprintf(stderr, "no_repack: use_extra_bufts is not where v0.5.0 has it\n");
        exit(1);
    }
    params.use_extra_bufts = false;
    return params;
}

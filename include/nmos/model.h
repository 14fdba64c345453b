/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Models. One thread at a time runs passes of a model; nmos_model_cancel() may come from any, and
 * so may the functions of sessions that say so.
 */
#ifndef NMOS_MODEL_H
#define NMOS_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nmos_vocab;

/** An opened model: weights, vocabulary, KV pages and scratch, all inside one budget. */
struct nmos_model;

/** How keys and values are kept. */
enum nmos_kv_type { NMOS_KV_F32, NMOS_KV_F16, NMOS_KV_Q8_0 };

/** Which keys and values a session under a cap gives up. */
enum nmos_evict {
    NMOS_EVICT_H2O,    /**< the oldest, but those that get far more attention than later ones */
    NMOS_EVICT_WINDOW, /**< the oldest in any case: a sliding window, for comparison */
};

/** Which way weights are read. */
enum nmos_io { NMOS_IO_AUTO, NMOS_IO_URING, NMOS_IO_THREADS };

/** Which instructions compute. */
enum nmos_cpu { NMOS_CPU_AUTO, NMOS_CPU_SCALAR, NMOS_CPU_AVX2, NMOS_CPU_AVX512 };

/** What a model can learn for each intent apart. */
enum nmos_learn {
    /** How often guesses come true, by who made them and how surely: by that it is decided which
     * ride in a pass, and how many. */
    NMOS_LEARN_GUESSES = 1,
    /** With a cache of experts: which ones are used, so that those of the intent that is probably
     * meant, and of prompts like this one, are read while somebody types (nmos_typing_expect(), the
     * memory of struct nmos_typing_options). */
    NMOS_LEARN_EXPERTS = 2,
};

/** Intents that a model can tell apart. */
#define NMOS_MODEL_INTENTS_MAX 16

/**
 * Settings of nmos_model_open(); start from nmos_model_options_default().
 */
struct nmos_model_options {
    const char *path;    /**< GGUF file; the first part of a split model */
    uint64_t ram_bytes;  /**< bound on everything the process holds; 0: what is safely free */
    uint32_t ctx;        /**< positions of KV per session; 0: min(the model's, 4096) */
    int ctx_is_most;     /**< ctx, or the positions of a model that was trained for fewer */
    uint64_t vram_bytes; /**< bound on the memory of a device; 0, the default: none is used */
    /** Names a device: "cuda:0", the first GPU, which is also meant by NULL with vram_bytes;
     * "sim:4GiB@3.2GB/s" stands in for one in tests. NULL, the default. A GPU's primary context
     * is current on the calling thread behind a call: a program that uses CUDA by other contexts
     * makes its own current again. */
    const char *device;
    uint32_t rows_typical;     /**< rows of most passes, for which layers are placed at the device;
                                  default 1 */
    enum nmos_kv_type kv_type; /**< default f16 */
    enum nmos_io io;
    enum nmos_cpu cpu;     /**< process-wide: the last opened model decides */
    uint32_t n_threads;    /**< 0: physical cores that the process may use */
    uint32_t rows_max;     /**< rows of one pass; default 512 */
    uint32_t sessions_max; /**< sessions that may exist at one time; default 1 */
    /** Of sessions_max: those that take what pages of the pool the others leave. For each the pool
     * has one page more; default 0. */
    uint32_t sessions_aside;
    /** Positions of the pool of KV pages that sessions share, page by page as they grow; 0: ctx for
     * every session that is not aside. At least ctx. A generation begins when all pages that it may
     * come to need are there, for its prompt and n_max tokens; under a cap, all that its session
     * may hold. So none that has begun fails for want of a page. */
    uint64_t kv_tokens;
    /** Memory for keys and values; pages for which there is no room go to a file in the cache
     * folder and are read from there by every pass that needs them. Logits have the same bits. 0:
     * all stay in memory. */
    uint64_t kv_ram_bytes;
    /** Keys and values that each session may hold; 0: all. One that has more text than that gives
     * pages up, so that logits are others than without a cap. They depend on the weights, the cap
     * and the tokens before: not on other rows, on chunking, threads or guesses. Not with
     * kv_ram_bytes or a device. */
    uint64_t kv_cap_bytes;
    enum nmos_evict kv_evict; /**< which pages; the first, the latest and those that
                                 nmos_session_keep() names stay */
    /** A small model with the same vocabulary that guesses ahead; kept in memory whole, inside the
     * same budget. NULL: none. */
    const char *draft_path;
    /** [n_intents] Names of intents, each of 1 to 31 letters, digits, _ or -, at most
     * NMOS_MODEL_INTENTS_MAX; copied. What `learns` says is learned for the generations of each
     * apart, and kept in the cache folder for later runs. No text or logit depends on it. */
    const char *const *intents;
    size_t n_intents;
    unsigned learns; /**< bits of enum nmos_learn; 0, the default: nothing */
    /** Nothing is read before the first pass; by default, weights are read from here on. */
    int loads_late;
    /** Called between the layers of the first pass, which reads the weights, by its thread; at its
     * end once more with both figures the same. NULL: never. */
    void (*on_progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_arg;
};

/** Defaults for everything but the path. */
struct nmos_model_options nmos_model_options_default(void);

/**
 * Opens a model and plans its memory. Weights are read in the background; the first pass waits for
 * them layer by layer.
 * @return 0; NMOS_E_IO, NMOS_E_CORRUPT, NMOS_E_UNSUPPORTED for the file; NMOS_E_NOMEM when the
 * budget is too small (the message says what would do); NMOS_E_INVALID for an option.
 */
int nmos_model_open(const struct nmos_model_options *options, struct nmos_model **ret_model);

/** Closes a model whose sessions are all destroyed, and nulls the pointer; NULL is a no-op. */
void nmos_model_close(struct nmos_model **model);

/** Facts about an opened model; strings live as long as it. */
struct nmos_model_info {
    const char *arch;
    uint32_t n_layers;
    uint32_t n_vocab;
    uint32_t d_model;
    uint32_t n_experts;
    uint32_t ctx_train; /**< positions the model was trained for */
    uint32_t ctx;       /**< positions per session here */
    uint32_t rows_max;
    uint32_t sessions_max;
    uint32_t n_threads;
    const char *cpu;
    const char *io_backend;
    uint64_t weight_bytes;  /**< all tensors */
    uint64_t touched_bytes; /**< read by one pass of one row */
    uint64_t kv_bytes;      /**< memory at the host */
    uint64_t kv_disk_bytes; /**< most that keys and values may take on disk; 0: none */
    uint32_t kv_pages;
    uint32_t kv_cap_tokens; /**< tokens whose keys and values a session may hold; 0: all */
    uint64_t scratch_bytes;
    uint64_t pinned_bytes; /**< weights that stay in memory */
    uint64_t
        streamed_bytes; /**< weights read in every pass of one row; of experts, what is expected */
    uint64_t ring_bytes;
    uint64_t draft_bytes;  /**< weights, KV cache and scratch of the draft */
    uint64_t expert_bytes; /**< memory of the cache of experts; 0: there is none */
    uint64_t budget_bytes;
    uint64_t vram_bytes;        /**< memory of a device in use; 0: all is computed at the host */
    uint64_t vram_pinned_bytes; /**< of it, weights that stay there */
    uint64_t vram_kv_bytes;
    uint64_t sent_bytes; /**< weights that cross to it in every pass */
};
/** Copies the facts. Giving weights back changes pinned, streamed and ring bytes and the budget. */
void nmos_model_get_info(const struct nmos_model *model, struct nmos_model_info *ret_info);

/** Counters of a model since it was opened. */
struct nmos_stats {
    uint64_t passes;
    uint64_t rows;
    uint64_t pass_ns;      /**< time inside passes */
    uint64_t stall_ns;     /**< of it, waiting for weights: by how much shards were late */
    uint64_t stall_max_ns; /**< the longest wait for one shard */
    uint64_t compute_ns;   /**< of it, with weights at hand; sampling in on_logits counts as such */
    uint64_t bytes_read;
    uint64_t late_shards;        /**< shards that were waited for */
    uint64_t shrinks;            /**< how often weights were given up because memory became short */
    uint64_t read_ns;            /**< time with at least one read in flight */
    uint64_t kv_spilled_bytes;   /**< keys and values written to disk */
    uint64_t kv_read_bytes;      /**< and read from there */
    uint64_t kv_wait_ns;         /**< of pass_ns, waiting for them in a pass */
    uint64_t kv_given_up_tokens; /**< tokens whose keys and values were given up under a cap, ... */
    uint64_t kv_given_up_pages;  /**< ... in so many pages */
    double kv_given_up_mass;     /**< the part of attention that pages had got lately, from rows far
                                    behind, when they were given up: the sum over them, ... */
    double kv_given_up_mass_most; /**< ... and the most of one */
    uint64_t last_pass_ns;
    uint64_t tokens_shared; /**< of prompts, taken over from other sessions or from before */
    uint64_t link_bytes;    /**< to and from a device */
    uint64_t link_ns;       /**< time with a transfer to it under way */
    uint64_t link_stall_ns; /**< of stall_ns, waiting for its link */
    uint64_t vram_peak_bytes;
    uint64_t experts_used; /**< with a cache of experts: those that passes needed, once a layer */
    uint64_t experts_read; /**< of them, not in memory and not guessed */
    uint64_t experts_guessed; /**< read ahead of need on a guess */
    uint64_t experts_guessed_well;
    uint64_t experts_expected;      /**< read ahead because an intent, or what is known of a prompt
                                       like the one that is typed, made them likely, ... */
    uint64_t experts_expected_well; /**< ... and used since */
    uint64_t expert_bytes_read;
    int guesses_are_on; /**< guesses have been right often enough lately */
};
/** Copies the counters. */
void nmos_model_get_stats(const struct nmos_model *model, struct nmos_stats *ret_stats);

/**
 * Bounds the process by less memory than before: gives weights back, which are streamed from then
 * on. Sessions stay, and logits have the same bits. Not during a pass, and with a cache of experts
 * not while a scheduler exists, which may read some at any time. nmos_forward() does this by itself
 * when memory becomes short, at most four times a second, with a notice on stderr. Memory is never
 * taken again.
 * @return 0, also when nothing had to go or could go further; NMOS_E_NOMEM when there is no memory
 * for the ring that is needed then: passes fail until a later call succeeds.
 */
int nmos_model_shrink(struct nmos_model *model, uint64_t ram_bytes);

/** The model's vocabulary; borrowed, lives as long as the model. */
struct nmos_vocab *nmos_model_vocab(struct nmos_model *model);

/** Ends the pass that runs in another thread within a layer's time: it returns NMOS_E_CANCELLED,
 * and its sessions are as before it. While no pass runs, the next one is ended so. Never more than
 * one pass; one that has just delivered its last logits ends well, and is the one. Thread-safe. */
void nmos_model_cancel(struct nmos_model *model);

#ifdef __cplusplus
}
#endif

#endif

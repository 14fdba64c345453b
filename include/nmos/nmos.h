/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The public interface of NMOS.
 *
 * Functions that can fail return 0 or a negative enum nmos_status; nmos_last_error() then holds a
 * sentence for people. Types are opaque. What *_create() or *_open() returns belongs to the caller
 * until the matching *_destroy() or *_close(), which nulls the caller's pointer.
 */
#ifndef NMOS_NMOS_H
#define NMOS_NMOS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why a call failed; the numbers are part of the ABI. */
enum nmos_status {
    NMOS_OK = 0,
    NMOS_E_IO = -1,          /**< the operating system refused or failed a file operation */
    NMOS_E_NOMEM = -2,       /**< no memory, or the budget forbids it */
    NMOS_E_CORRUPT = -3,     /**< a file's content contradicts its format */
    NMOS_E_UNSUPPORTED = -4, /**< well formed, but not something this build can do */
    NMOS_E_INVALID = -5,     /**< an argument, option or request is wrong */
    NMOS_E_LIMIT = -6,       /**< a documented limit was exceeded */
    NMOS_E_CANCELLED = -7,   /**< stopped on request */
    NMOS_E_BUSY = -8,        /**< try again later */
    NMOS_E_TRUNCATED = -9,   /**< a parser needs more bytes than it was given */
};

/** Version of the library, "MAJOR.MINOR.PATCH". */
const char *nmos_version(void);

/**
 * The sentence that explains the last failure on this thread; "" when there was none.
 * Valid until the next call into the library on the same thread.
 */
const char *nmos_last_error(void);

/** Told how far long work has come, in bytes; a result other than 0 stops it with NMOS_E_CANCELLED.
 */
typedef int (*nmos_progress_fn)(void *arg, uint64_t done_bytes, uint64_t total_bytes);

/*
 * Model files: what a GGUF file holds, without loading it. An open file is immutable and may be
 * read by several threads at once; texts belong to it and are not zero-terminated.
 */

/** A GGUF file, all parts of a split one included. */
struct nmos_file;

/** Borrowed bytes. */
struct nmos_text {
    const char *data;
    size_t len;
};

/** The file as a whole. */
struct nmos_file_info {
    uint32_t version;      /**< of the GGUF format */
    uint32_t alignment;    /**< of tensor data, in bytes */
    uint32_t n_parts;      /**< files; 1 when not split */
    uint64_t n_metadata;   /**< entries */
    uint64_t n_tensors;    /**< of all parts */
    uint64_t n_elems;      /**< of all tensors */
    uint64_t file_bytes;   /**< of all parts */
    uint64_t header_bytes; /**< of the first part: before tensor data */
    uint64_t tensor_bytes; /**< of all tensors, without padding */
};

/** One metadata entry. */
struct nmos_metadata {
    struct nmos_text key;
    const char *type; /**< "u32", "string", ...; of an array: of its elements */
    int is_array;
    uint64_t n_elems; /**< 1 when not an array */
};

enum nmos_value_kind {
    NMOS_VALUE_INT,
    NMOS_VALUE_UINT,
    NMOS_VALUE_FLOAT,
    NMOS_VALUE_BOOL,
    NMOS_VALUE_TEXT
};

/** One metadata value. */
struct nmos_value {
    enum nmos_value_kind kind;
    union {
        int64_t i;             /**< NMOS_VALUE_INT, NMOS_VALUE_BOOL */
        uint64_t u;            /**< NMOS_VALUE_UINT */
        double f;              /**< NMOS_VALUE_FLOAT; may be infinite or NaN */
        struct nmos_text text; /**< NMOS_VALUE_TEXT; any bytes */
    } as;
};

/** One tensor. */
struct nmos_tensor {
    struct nmos_text name;
    const char *type; /**< "Q4_K", ... */
    uint32_t n_dims;
    uint64_t dims[4]; /**< dims[0] is the row length; unused ones are 1 */
    uint64_t n_bytes;
    uint64_t offset; /**< in its part */
    uint32_t part_i; /**< 0-based */
};

/** Opens a GGUF file (a split one by its first part) and reads its header. */
int nmos_file_open(const char *path, struct nmos_file **ret_file);

/** Closes it and nulls the pointer; NULL is a no-op. */
void nmos_file_close(struct nmos_file **file);

/** Totals. */
void nmos_file_info(const struct nmos_file *file, struct nmos_file_info *ret_info);

/** Metadata entry @p i in file order. @return 0, or NMOS_E_INVALID behind the last one. */
int nmos_file_metadata(const struct nmos_file *file, uint64_t i,
                       struct nmos_metadata *ret_metadata);

/** Element @p elem_i (0 when not an array) of metadata entry @p i. @return 0 or NMOS_E_INVALID. */
int nmos_file_value(const struct nmos_file *file, uint64_t i, uint64_t elem_i,
                    struct nmos_value *ret_value);

/** Tensor @p i in file order. @return 0, or NMOS_E_INVALID behind the last one. */
int nmos_file_tensor(const struct nmos_file *file, uint64_t i, struct nmos_tensor *ret_tensor);

/*
 * Models. One thread at a time runs passes of a model; nmos_model_cancel() may come from any, and
 * so may the functions of sessions that say so.
 */

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
    /** Names a device. There is no GPU yet; "sim:4GiB@3.2GB/s" stands in for one in tests. NULL. */
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

/* Plans. */

/** One shard of a plan: a layer, the output head, or the experts of a layer where these are cached.
 */
struct nmos_plan_shard {
    char name[24];
    uint64_t n_bytes;
    uint64_t pinned_bytes; /**< of them, kept in memory; the others are read in every pass */
    int is_at_device;      /**< computed there; pinned there unless is_sent */
    int is_sent;           /**< sent there in every pass */
};

/** What would go where, and how fast it would be. Sizes of memory in bytes. */
struct nmos_plan {
    uint64_t model_bytes;    /**< all tensors */
    uint64_t touched_bytes;  /**< weights that a pass goes through */
    uint64_t streamed_bytes; /**< of them, read from disk in every pass */
    uint64_t budget_bytes;
    uint64_t pinned_bytes;
    uint64_t ring_bytes;
    uint64_t expert_bytes;   /**< cache of experts; 0: there is none */
    int experts_are_learned; /**< streamed_bytes follow earlier runs of this model; 0: they are an
                                estimate, as if all experts were used alike */
    uint32_t expert_tokens;  /**< streamed_bytes were measured in passes of one row for so many
                                tokens  with a cache of this size; 0: they are an estimate */
    /** Where the mean of 32 passes should be with another text: by what was measured, or thought.
     */
    uint64_t streamed_low_bytes;
    uint64_t streamed_high_bytes;
    uint32_t prompt_rows;  /**< of the longest pass, as a long prompt has them */
    uint64_t prompt_bytes; /**< read by such a pass behind others; the first one finds no experts
                              in memory */
    uint64_t prompt_most_bytes; /**< the same when it uses all experts */
    int prompt_is_learned;  /**< from passes of so many rows; 0: without experts, or an estimate */
    uint64_t kv_bytes;      /**< in memory */
    uint64_t kv_disk_bytes; /**< most that keys and values may take on disk; a pass reads what is
                               there of its sessions */
    uint64_t scratch_bytes;
    uint64_t draft_bytes; /**< weights, KV cache and scratch of the draft */
    uint64_t other_bytes; /**< program, vocabulary, header, stacks */
    uint32_t ctx;
    uint32_t rows_n; /**< rows of one pass that computing can carry while the disk delivers */
    double disk_bytes_per_s;
    double memory_bytes_per_s;
    double pinned_bytes_per_s;   /**< weights that computing one row gets through, when pinned */
    double streamed_bytes_per_s; /**< the same, as they lie in the file */
    double product_s;            /**< that the product of a matrix takes beside its bytes */
    double macs_per_s;           /**< multiply-adds, many rows */
    int is_measured_now; /**< 0: the speeds were measured before, or another machine's were given */
    uint64_t vram_budget_bytes; /**< 0: no device; the memory that stands in for one is the host's,
                                   beside budget_bytes */
    uint64_t vram_pinned_bytes;
    uint64_t vram_ring_bytes; /**< slots of shards that are sent */
    uint64_t vram_kv_bytes;
    uint64_t vram_scratch_bytes;
    uint64_t link_bytes; /**< weights and activations that cross the link in a pass of one row */
    double link_bytes_per_s; /**< 0: not limited */
    double disk_s;           /**< of one pass: reading, ... */
    double link_s;           /**< ... sending to a device ... */
    double compute_s;        /**< ... and computing, which go on at the same time */
    double pass_s;           /**< predicted, one row: the largest; with a cache of experts also what
                                of reading them cannot go on beside computing */
    double tok_s;            /**< 1 / pass_s */
    const char *binding;     /**< "disk", "memory", "compute" or "link" */
    uint32_t n_shards;
    struct nmos_plan_shard *shards; /**< [n_shards] */
};

/** How to plan; all zero is the usual way. */
struct nmos_plan_options {
    const char
        *hw_path; /**< describes another machine (JSON: ram_GiB, disk_GBps, memory_GBps,
                     gmacs; or more of what plan --json gives: pinned_GBps,
                     streamed_GBps, product_us); NULL: this one, measured once and remembered */
    int replan;   /**< measure this one anew */
    nmos_progress_fn on_progress; /**< while the disk is measured; may be NULL */
    void *arg;
};

/**
 * Plans a model from its header; no weights are read but a sample for the disk's bandwidth, which
 * takes up to 1.2 seconds. Speeds are kept in $XDG_CACHE_HOME/nmos or ~/.cache/nmos until the next
 * boot; where that cannot be written they are measured every time.
 * @param how  NULL: the usual way.
 * @return as nmos_model_open().
 */
int nmos_plan_create(const struct nmos_model_options *options, const struct nmos_plan_options *how,
                     struct nmos_plan **ret_plan);
/** Frees a plan and nulls the pointer; NULL is a no-op. */
void nmos_plan_destroy(struct nmos_plan **plan);

/* This machine. */

/** Something found out about the machine. */
struct nmos_finding {
    const char *subject; /**< "cpu", "memory", ... */
    const char *text;
    const char *remedy; /**< what would help; NULL when all is well */
};
typedef void (*nmos_finding_fn)(void *arg, const struct nmos_finding *finding);

/**
 * Looks at processor, memory, graphics card and io_uring, with a model at its header, and at the
 * bandwidths of memory and of the disk with the model. Changes nothing. Texts are valid during the
 * call of @p on_finding.
 * @param model_path  may be NULL: then the disk is the one that has the program.
 * @return 0, or why the model cannot be read.
 */
int nmos_doctor(const char *model_path, nmos_finding_fn on_finding, void *arg);

/* Sessions and passes. */

/*
 * One conversation's past: committed tokens and their keys and values. The next six functions may
 * be called by any thread, also while another one runs a pass: they do not wait for its end. A
 * session whose rows are in a pass of nmos_forward() may only be forked from meanwhile.
 */
struct nmos_session;

/** An empty session. @return 0, or NMOS_E_LIMIT when sessions_max exist. */
int nmos_session_create(struct nmos_model *model, struct nmos_session **ret_session);
/** Frees the session and nulls the pointer; NULL is a no-op. Unfinished jobs of the session are
 * cancelled; its memory is free when they have ended. */
void nmos_session_destroy(struct nmos_session **session);
/** Committed tokens. */
uint32_t nmos_session_length(const struct nmos_session *session);
/** How many of @p tokens, from the first on, are what the session begins with. */
uint32_t nmos_session_match(const struct nmos_session *session, const int32_t *tokens,
                            size_t n_tokens);
/** Forgets all but the first @p length committed tokens; under a cap also those of the page that is
 * cut, or, when a page was given up behind @p length, all: nmos_session_length() tells. @return 0;
 * NMOS_E_INVALID when it has fewer; NMOS_E_BUSY while a job of the session is unfinished. */
int nmos_session_truncate(struct nmos_session *session, uint32_t length);
/** The first @p n_tokens, a system prompt, are never given up under a cap; without one, nothing is.
 * Forks keep the same. @return 0; NMOS_E_LIMIT when the cap has no room for so many beside the
 * latest; NMOS_E_INVALID when pages were given up already with another number. */
int nmos_session_keep(struct nmos_session *session, uint32_t n_tokens);
/** Rows that the next pass may have of the session: under a cap they end where a page is given up;
 * else UINT32_MAX. */
uint32_t nmos_session_room(const struct nmos_session *session);
/** Makes the empty session @p to share the past of @p from; either may go on alone. A running job
 * of @p from does not matter: what is committed is shared, and no page is taken from it. @return 0;
 * NMOS_E_INVALID; NMOS_E_BUSY while a job of @p to is unfinished; under a cap NMOS_E_LIMIT, where
 * running jobs could lack the pages that they give up and the fork holds. */
int nmos_session_fork(struct nmos_session *to, const struct nmos_session *from);

/*
 * Sessions on disk, in the folder nmos/prefix of the cache ($XDG_CACHE_HOME or ~/.cache). Texts
 * that begin alike share files. A file is replaced whole, has a checksum and belongs to one model
 * file, KV type and context; a damaged one is set aside, and its part of the text is missing. Not
 * for sessions whose keys and values are at a device (NMOS_E_UNSUPPORTED). Any thread may call
 * these.
 */

/**
 * What a session holds at one instant, to be kept on disk while the session goes on. It takes a KV
 * page for the one that the text ends in; where none is free, or a generation needs it before the
 * snapshot is written, the tokens of that page are left out.
 */
struct nmos_snapshot;

/** @param n_tokens  of the past; more than there are: all of them, with what follows them. @return
 * 0; NMOS_E_BUSY while a job of the session is unfinished; NMOS_E_UNSUPPORTED; NMOS_E_NOMEM. */
int nmos_session_snapshot(const struct nmos_session *session, uint32_t n_tokens,
                          struct nmos_snapshot **ret_snapshot);

/**
 * Writes it. What the session has given up meanwhile, and other sessions have written over, is left
 * out. Files that were not used for longest go, until at most @p max_bytes are left; 0: 4 GiB.
 * @return 0; NMOS_E_IO, also when the disk is full: what was kept before is whole.
 */
int nmos_snapshot_save(struct nmos_snapshot *snapshot, uint64_t max_bytes);

/** Frees it and nulls the pointer; NULL is a no-op. Before the model is closed. */
void nmos_snapshot_destroy(struct nmos_snapshot **snapshot);

/** Keeps the session's past: takes a snapshot and writes it. @return as these do. */
int nmos_session_save(struct nmos_session *session, uint64_t max_bytes);

/**
 * Gives an empty session the longest beginning of @p tokens that is kept or in memory;
 * nmos_session_length() tells how much that is. The session counts as busy meanwhile, and is not to
 * be destroyed. When it is all of a text that was saved behind a generation, nmos_generate() with
 * an empty prompt draws the next token without a pass.
 * @return 0, also when nothing was found; NMOS_E_INVALID when the session is not empty;
 * NMOS_E_BUSY.
 */
int nmos_session_restore(struct nmos_session *session, const int32_t *tokens, size_t n_tokens);

/** As a parent: row @p k of those that nmos_session_hold() kept. */
#define NMOS_HELD(k) (-2 - (int32_t)(k))

/** A row of a pass. */
struct nmos_row {
    struct nmos_session *session;
    int32_t token;
    int32_t parent; /**< earlier row of the same session in this pass that this one follows; -1: the
                       committed tokens; NMOS_HELD(k): pending row k of the session */
    int wants_logits;
};

/**
 * Receives the logits of a row, in row order.
 * @param logits  [n_vocab] f32, valid during the call.
 * @return 0, or negative to stop the pass with that status.
 */
typedef int (*nmos_logits_fn)(void *arg, size_t row_i, float *logits);

/**
 * Runs one pass over @p n_rows rows of any sessions of one model. A row's logits depend on the
 * weights and its ancestors only: not on the other rows, on chunking, threads or where the weights
 * lie. Nothing is committed; a later pass overwrites what was not. Under a cap (kv_cap_bytes)
 * logits depend on that too, and a session has at most nmos_session_room() rows.
 */
int nmos_forward(struct nmos_model *model, const struct nmos_row *rows, size_t n_rows,
                 nmos_logits_fn on_logits, void *arg);

/** Commits the first @p n rows that the session had in the last pass; they must form a chain. */
int nmos_session_commit(struct nmos_session *session, uint32_t n);

/**
 * Commits pending row @p row_i of a tree and its ancestors; the session's other pending rows are
 * forgotten. Pending are the rows that the session had in the last pass, counted from 0 in their
 * order, behind those that were held before it.
 * @return 0 or NMOS_E_INVALID.
 */
int nmos_session_commit_path(struct nmos_session *session, uint32_t row_i);

/** Keeps the session's pending rows for the next pass, whose rows may follow them: a tree grows
 * over several passes. A commit or truncation ends it. At most rows_max rows can be pending. */
void nmos_session_hold(struct nmos_session *session);

/* Sampling and generation. */

/** Adds @c value to the score of one token. */
struct nmos_logit_bias {
    int32_t token;
    float value;
};

/** How a token is drawn; start from nmos_sampling_default(). */
struct nmos_sampling {
    float temp;              /**< default 0.7; 0: always the likeliest token */
    uint32_t top_k;          /**< default 40; 0: off */
    float top_p;             /**< default 0.95; 1: off */
    float min_p;             /**< default 0.05; 0: off */
    float repeat_penalty;    /**< default 1: off */
    float presence_penalty;  /**< default 0: off */
    float frequency_penalty; /**< default 0: off */
    uint64_t seed;
    const struct nmos_logit_bias *bias; /**< [n_bias], at most 1024; borrowed during the call */
    size_t n_bias;
};

struct nmos_sampling nmos_sampling_default(void);

/** Draws tokens from logits. One thread at a time. */
struct nmos_sampler;

/** @return 0, NMOS_E_INVALID naming the parameter, or NMOS_E_NOMEM. */
int nmos_sampler_create(const struct nmos_model *model, const struct nmos_sampling *sampling,
                        struct nmos_sampler **ret_sampler);
void nmos_sampler_destroy(struct nmos_sampler **sampler);

/**
 * Draws the token at @p position (counted from 0 in its session) from its logits, which it changes.
 * The same seed, position and logits give the same token.
 * @param history  the session's tokens before it, for penalties: the last 64 count.
 * @return the token, or NMOS_E_CORRUPT when no token has a score.
 */
int32_t nmos_sampler_draw(struct nmos_sampler *sampler, float *logits, const int32_t *history,
                          size_t n_history, uint64_t position);

/** Why a generation ended. */
enum nmos_end {
    NMOS_END_LIMIT,   /**< n_max tokens */
    NMOS_END_TOKEN,   /**< the model ended its text */
    NMOS_END_STOP,    /**< a stop string came */
    NMOS_END_CONTEXT, /**< no position is left */
    NMOS_END_CALLER,  /**< on_text asked to stop */
};

/** How tokens are guessed ahead. The text is the same in every mode, with keyed acceptance. */
enum nmos_spec {
    NMOS_SPEC_AUTO,  /**< as tree, but only while it makes the answer faster */
    NMOS_SPEC_OFF,   /**< not */
    NMOS_SPEC_NGRAM, /**< what followed the same words before */
    NMOS_SPEC_CHAIN, /**< the draft's likeliest continuation */
    NMOS_SPEC_TREE,  /**< all likely continuations, of the draft and of the text before */
};

/** When a guess counts. */
enum nmos_accept {
    NMOS_ACCEPT_KEYED,     /**< when it is the token that would have been drawn without it */
    NMOS_ACCEPT_REJECTION, /**< by rejection sampling of a chain that the draft has drawn: the text
                              is another one, of the same distribution, and depends on seed and
                              draft; with spec auto, a chain in any case, or off */
};

/** What to generate. */
struct nmos_generation {
    /** [n_prompt] At least one token, or none where the session stands as a generation left it or
     * was restored so: then the next token is drawn at once. */
    const int32_t *prompt;
    size_t n_prompt;
    uint32_t n_max;           /**< tokens to generate at most */
    const char *const *stops; /**< [n_stops] texts that end the generation and are not shown */
    size_t n_stops;
    struct nmos_sampling sampling;
    enum nmos_spec spec;     /**< default auto */
    enum nmos_accept accept; /**< default keyed */
    /** Guesses that ride in every pass, as far as there are so many: what a size gives can be
     * measured, and does not depend on times. 0, the default: as many as promise the most tokens a
     * second. */
    uint32_t n_guesses;
    /** What the text is: 1 + the number of one of the model's intents. 0, the default: not known.
     */
    uint32_t intent;
    /**
     * Receives text as it comes: whole UTF-8 characters where the model produces such.
     * @return 0 to go on; positive to stop here; negative to fail with that status.
     */
    int (*on_text)(void *arg, const char *text, size_t len);
    void *arg;
};

/** Passes of a generation that are told one by one: its first ones. */
#define NMOS_PASSES_TOLD 256

/** What guessing did in one pass. */
struct nmos_guessed_pass {
    uint16_t guessed; /**< rows that rode along as guesses */
    uint16_t draft;   /**< of them right: guessed by the draft ... */
    uint16_t ngram;   /**< ... and by the text alone; both together: the depth that was reached */
};

/** What a generation did. */
struct nmos_generation_result {
    enum nmos_end end;
    uint32_t prompt_tokens;
    uint32_t generated_tokens; /**< the token that ended the text not counted */
    uint32_t decode_passes;
    uint64_t prefill_ns;     /**< until the logits behind the prompt */
    uint64_t first_token_ns; /**< until the first token was drawn */
    uint64_t decode_ns;      /**< from there to the end */
    uint64_t pass_median_ns; /**< of the decode passes */
    uint32_t guessed_tokens; /**< rows that rode along as guesses */
    uint32_t accepted_draft; /**< of them right: guessed by the draft ... */
    uint32_t accepted_ngram; /**< ... and by the text alone */
    uint32_t accepted_depth; /**< most in one pass */
    uint32_t paused_steps;   /**< passes without guesses, as they did not pay */
    uint32_t intent_guesses; /**< guesses in texts of its intent that its own went by, the latest
                                ones of each kind; 0: none were known */
    uint32_t n_told;         /**< decode passes in told[]; none with spec off */
    struct nmos_guessed_pass told[NMOS_PASSES_TOLD];
};

/**
 * Feeds the prompt to the session, behind what it holds, and generates. The session keeps all of it
 * but the token drawn last, which no pass has seen.
 * @return 0; NMOS_E_LIMIT when the prompt does not fit, or the pool lacks KV pages for it and n_max
 * tokens: both before any pass; failures of nmos_forward(). Text that was delivered before a
 * failure stays delivered.
 */
int nmos_generate(struct nmos_session *session, const struct nmos_generation *generation,
                  struct nmos_generation_result *ret_result);

/*
 * Many sessions in one pass. A scheduler owns a thread that runs the passes of a model; each pass
 * carries rows of all jobs that have any: prompts in chunks, trees of guesses, single rows. A
 * session's text is what nmos_generate() gives for it alone. While a scheduler exists, other
 * threads that run passes of its model are refused with NMOS_E_BUSY. All its functions may be
 * called by any thread.
 *
 * Which jobs ride in a pass. First every answer that has begun, with one row, then guesses behind
 * them as far as they pay, then prompts in chunks. While answers run, chunks are so large that a
 * pass takes at most twice as long as without, or get a quarter of the rows where that is more.
 * Where there is not room for all, those go first that are expected to be finished soonest, as far
 * as can be told from their length and from how many of their guesses come true. A job that was
 * left out of four passes in a row goes before all that were not, those that have waited longest
 * first: with J jobs and passes of R rows no job waits more than 4 + ceil(4 J / R) passes for a
 * row.
 *
 * Where the prompts of several sessions go on alike, one of them reads the next KV page and the
 * others wait for it and share it: so sessions with one system prompt read and keep it once. What
 * sessions have read that are gone is found as long as its pages are not needed.
 *
 * Callbacks come from the scheduler's thread and should be quick, as passes wait for them. They may
 * submit, cancel and promote jobs and use sessions; they must not wait for jobs or destroy the
 * scheduler.
 */

struct nmos_scheduler;

/** A generation, or tokens to be read, in the hands of a scheduler. */
struct nmos_job;

/** Starts the thread. @return 0; NMOS_E_BUSY when the model has a scheduler; NMOS_E_NOMEM. */
int nmos_scheduler_create(struct nmos_model *model, struct nmos_scheduler **ret_scheduler);
/** Cancels all jobs, ends the thread and nulls the pointer; NULL is a no-op. Before the model is
 * closed. */
void nmos_scheduler_destroy(struct nmos_scheduler **scheduler);

/** How urgent a job is. */
enum nmos_priority {
    NMOS_PRIORITY_ANSWER, /**< somebody waits for it */
    /** Done ahead of need. Beside answers it gets only rows that cost nothing, as the disk is busy
     * anyway. A pass that carries nothing else is given up within a layer's time when an answer is
     * submitted, and its rows are run later. */
    NMOS_PRIORITY_AHEAD,
};

/** What to do; start from all zero. */
struct nmos_job_options {
    /** Prompt, stops and biases are copied. With n_max 0 the prompt is read into the session and
     * nothing is generated; on_text may then be NULL. */
    struct nmos_generation generation;
    enum nmos_priority priority;
    uint32_t ahead_max; /**< generated tokens, one at least, after which a job ahead of need rests
                           until it is promoted */
    /* More of jobs ahead of need, until they are promoted: */
    uint32_t
        delay_ms; /**< its first pass begins so long after this call at the earliest, and ... */
    int after_loading; /**< ... not before the weights that are to stay in memory have been read */
    uint32_t rest_ms;  /**< no pass of it begins later than so long after this call; 0: any may */
    /**
     * Called once, with the arg of the generation, when the job has ended; NULL: not called.
     * @param status  0; NMOS_E_CANCELLED; else why it failed, and nmos_last_error() says more.
     * @param result  what was done, also where it failed.
     */
    void (*on_done)(void *arg, struct nmos_job *job, int status,
                    const struct nmos_generation_result *result);
};

/**
 * Queues a job of a session, behind those that the session has. It starts when the KV pages that it
 * may come to need are free, and waits for that while others run, or wait that can start. When none
 * does, it fails with NMOS_E_LIMIT, before any pass: idle sessions hold the pages then. (The pool
 * holds every session alone, so that cannot be known here.) An answer behind jobs ahead of need
 * makes them answers too. Times of its result count from here.
 * @param ret_job  to be released; NULL: nobody will ask for it.
 * @return 0; NMOS_E_INVALID for a bad setting; NMOS_E_BUSY when 4096 jobs are unfinished;
 * NMOS_E_NOMEM.
 */
int nmos_job_submit(struct nmos_scheduler *scheduler, struct nmos_session *session,
                    const struct nmos_job_options *options, struct nmos_job **ret_job);

/** Ends a job soon: within a layer's time where the pass serves nobody else, at the end of the pass
 * otherwise. What was committed and delivered stays; no text comes after the call returned, but the
 * piece that was on its way. No-op when the job has ended. */
void nmos_job_cancel(struct nmos_job *job);

/** Makes a job ahead of need an answer: somebody waits for it now. */
void nmos_job_promote(struct nmos_job *job);

/** Waits until the job has ended. @param ret_result  may be NULL. @return its status. */
int nmos_job_wait(struct nmos_job *job, struct nmos_generation_result *ret_result);

/** Gives up the caller's interest and nulls the pointer; the job goes on. NULL is a no-op. */
void nmos_job_release(struct nmos_job **job);

/** How far a job has come. */
struct nmos_job_info {
    int has_started;
    int has_ended;
    enum nmos_priority priority;
    uint32_t prompt_tokens;
    uint32_t fed_tokens; /**< of the prompt, in the session */
    uint32_t generated_tokens;
    uint32_t passes;    /**< that carried rows of it */
    uint32_t wait_most; /**< passes in a row that it was left out of, though it had rows */
};
void nmos_job_get_info(const struct nmos_job *job, struct nmos_job_info *ret_info);

/** Counters of a scheduler since it was created. */
struct nmos_scheduler_stats {
    uint64_t passes;
    uint64_t rows;
    uint64_t rows_ahead; /**< of them, of jobs ahead of need */
    uint64_t given_up;   /**< passes that were given up for an answer or a cancelled job */
    uint32_t n_waiting;  /**< jobs that have not started, now */
    uint32_t n_running;
    uint32_t last_rows; /**< rows and jobs of the last pass */
    uint32_t last_jobs;
    uint32_t wait_most;  /**< the largest one of all jobs */
    uint32_t pages_free; /**< KV pages, now */
};
void nmos_scheduler_get_stats(const struct nmos_scheduler *scheduler,
                              struct nmos_scheduler_stats *ret_stats);

/**
 * Checks that the tensors are those, in those shapes, that the architecture demands, then reads
 * them all and checks that every scale is a finite number. Holds 4 MiB beside the header.
 * @param on_progress  called from time to time; may be NULL.
 * @return 0; NMOS_E_CORRUPT, NMOS_E_UNSUPPORTED or NMOS_E_IO naming the first bad tensor;
 * NMOS_E_CANCELLED.
 */
int nmos_file_verify(const struct nmos_file *file, nmos_progress_fn on_progress, void *arg);

/** Frees what a function of this library gave to the caller as a plain block; NULL is a no-op. */
void nmos_free(void *block);

/*
 * Vocabularies: text to token ids and back, as a model file defines it. A file with nothing but a
 * vocabulary is enough. An open vocabulary may be used by several threads at once.
 */

/** The vocabulary of one model. */
struct nmos_vocab;

/** How text is read; a sum of these. */
enum nmos_encode_flags {
    NMOS_ENCODE_SPECIAL = 1, /**< spellings of control tokens become these tokens */
    NMOS_ENCODE_BOS = 2,     /**< begin the ids as the metadata asks for */
    NMOS_ENCODE_EOS = 4,     /**< end them so; not for a text that goes on */
};

/** Reads the vocabulary of a GGUF file (a split one is named by its first part). */
int nmos_vocab_open(const char *path, struct nmos_vocab **ret_vocab);

/** Closes it and nulls the pointer; NULL is a no-op. */
void nmos_vocab_close(struct nmos_vocab **vocab);

/** Number of tokens: ids are 0 up to this number. */
int32_t nmos_vocab_size(const struct nmos_vocab *vocab);

/**
 * Token ids of @p len bytes of text, which may be any bytes.
 * @param flags    a sum of enum nmos_encode_flags.
 * @param ret_ids  to be freed with nmos_free().
 */
int nmos_vocab_encode(struct nmos_vocab *vocab, const void *text, size_t len, unsigned flags,
                      int32_t **ret_ids, size_t *ret_n);

/**
 * The bytes that @p n ids stand for.
 * @param ret_text  to be freed with nmos_free(); a zero byte stands behind the text.
 * @return 0; NMOS_E_INVALID for an id that is not in the vocabulary; NMOS_E_NOMEM.
 */
int nmos_vocab_decode(const struct nmos_vocab *vocab, const int32_t *ids, size_t n, char **ret_text,
                      size_t *ret_len);

/*
 * Chat templates: messages to the prompt that a model was trained on. A template is immutable and
 * may be used by several threads at once. However long a template would run or whatever it would
 * print, a rendering is bounded in time and memory.
 */

/** A chat template, with the BOS and EOS texts of its model. */
struct nmos_template;

/** One message of a conversation, both texts UTF-8. */
struct nmos_message {
    const char *role; /**< "system", "user", "assistant", ... */
    const char *content;
};

/**
 * Parses a template.
 * @param file  gives the BOS and EOS texts, and the template where @p text is NULL; may be NULL
 * else. Not needed afterwards.
 * @param text  a template in Jinja's language, @p text_bytes long, or NULL. Not needed afterwards.
 * @return 0; NMOS_E_UNSUPPORTED when the model has no template, or the template needs what this
 * build lacks; NMOS_E_CORRUPT for a template that cannot be read; both with the line and the
 * reason.
 */
int nmos_template_create(const struct nmos_file *file, const char *text, size_t text_bytes,
                         struct nmos_template **ret_template);

/** Frees it and nulls the pointer; NULL is a no-op. */
void nmos_template_destroy(struct nmos_template **chat_template);

/**
 * Renders messages, without tools; the prompt ends where the assistant's answer starts.
 * @param ret_prompt  zero-terminated; the caller releases it with nmos_free().
 * @param ret_prompt_bytes  without the zero; may be NULL.
 * @return 0; NMOS_E_INVALID with the template's own message when it refuses the messages.
 */
int nmos_template_render(const struct nmos_template *chat_template,
                         const struct nmos_message *messages, size_t n_messages, char **ret_prompt,
                         size_t *ret_prompt_bytes);

/**
 * As nmos_template_render() for a whole conversation as JSON: an object with "messages" and
 * optionally "tools" (default null), "add_generation_prompt" (default false), "bos_token",
 * "eos_token" (default: the model's), "strftime_now" (a time such as "2024-07-26T12:00:00",
 * default: now). Any other member is passed on as a variable of that name.
 * @return also NMOS_E_CORRUPT when it is not JSON.
 */
int nmos_template_render_json(const struct nmos_template *chat_template, const char *json,
                              size_t json_bytes, char **ret_prompt, size_t *ret_prompt_bytes);

/*
 * The failure memory: what was mispredicted on this machine. It corrects the Scout, and which
 * experts are read ahead of need; it never leaves the machine. Its file survives a kill at any
 * moment; a damaged one is renamed to NAME.damaged with a notice. Up to 100,000 events are kept,
 * 50,000 of them of experts, of each text the first 256 bytes. Any thread may use a memory, and
 * several processes one file.
 */

/** An opened failure memory. */
struct nmos_memory;

/** What was predicted. */
enum nmos_memory_kind {
    NMOS_MEMORY_INTENT = 0, /**< the intent of a text */
    /** Which experts the first passes of a prompt would have to find in memory, kept by a typing
     * session; one of nmos_memory_observe() is listed, and corrects nothing. */
    NMOS_MEMORY_EXPERT = 1,
};

/** A misprediction. */
struct nmos_memory_event {
    int64_t id;
    enum nmos_memory_kind kind;
    int64_t at_ms;    /**< milliseconds since 1970 */
    const char *text; /**< [text_bytes] any bytes */
    size_t text_bytes;
    const char *predicted; /**< of experts: "25 of 40", that were there, of all that were used, each
                              once a layer and pass */
    const char *actual;    /**< of experts: "0:5,1 1:3", those of each layer that the first 8 passes
                              used, the soonest first; of large models not all */
    uint64_t model;        /**< of experts: a number that tells models apart; else 0 */
};
/** Receives an event, valid during the call; it may not use the memory. @return 0 to go on, or
 * negative to stop with it. */
typedef int (*nmos_memory_fn)(void *arg, const struct nmos_memory_event *event);

/**
 * Opens a failure memory, making it where there is none.
 * @param path  NULL: failures.db in $XDG_DATA_HOME/nmos or ~/.local/share/nmos.
 * @return 0, NMOS_E_IO, or NMOS_E_NOMEM.
 */
int nmos_memory_open(const char *path, struct nmos_memory **ret_memory);

/** Closes it and nulls the pointer; NULL is a no-op. */
void nmos_memory_close(struct nmos_memory **memory);

/**
 * Keeps what a text was taken for and what it was; nothing when these are the same.
 * @param actual  1 to 63 bytes.
 * @return 0, NMOS_E_INVALID, or NMOS_E_IO.
 */
int nmos_memory_observe(struct nmos_memory *memory, enum nmos_memory_kind kind, const void *text,
                        size_t len, const char *predicted, const char *actual);

/** Passes on all events, the newest first. @return 0, NMOS_E_IO, or what @p on_event gave. */
int nmos_memory_list(struct nmos_memory *memory, nmos_memory_fn on_event, void *arg);

/** Erases an event. @return 0, NMOS_E_INVALID when there is none of that id, or NMOS_E_IO. */
int nmos_memory_forget(struct nmos_memory *memory, int64_t id);

/** Erases all events. @return 0 or NMOS_E_IO. */
int nmos_memory_forget_all(struct nmos_memory *memory);

/*
 * The Scout: what a text that somebody types is meant to be. It works on any bytes and on texts
 * that are half typed, and allocates nothing once created, but with a language model. One thread at
 * a time uses a Scout.
 */

/** Predicts intents: "CODE", "CHAT", "DOCS" and those that the user defines. */
struct nmos_scout;

/** An intent that the user defines by words that are typed when it is meant, and by prompts. */
struct nmos_intent_class {
    const char *name;            /**< 1 to 31 letters, digits, _ or - */
    const char *const *keywords; /**< [n_keywords] of 1 to 8 words; small and large letters alike */
    size_t n_keywords;
    const char *const *examples; /**< [n_examples] prompts */
    size_t n_examples;
};

/** Settings of a Scout; all zero is the usual way. Borrowed during the call. */
struct nmos_scout_options {
    const struct nmos_intent_class *classes; /**< [n_classes], at most 56, with 1024 keywords and
                                                256 examples in all */
    size_t n_classes;
    struct nmos_memory *memory; /**< corrects the Scout and outlives it; NULL: none */
    /** A small model that is asked too, and outlives the Scout, which needs one session of it and a
     * context of 1024 positions. What its word counts is found on built-in texts; a model that
     * understands none of them counts for nothing. NULL: none. */
    struct nmos_model *language_model;
};

/** How likely an intent is. */
struct nmos_intent {
    const char *name; /**< lives as long as the Scout */
    double p;         /**< 0..1; all intents together make 1 */
};

/** The largest number of intents that a Scout can have. */
#define NMOS_INTENTS_MAX 64

/** System prompts of intents that are read ahead at one time. */
#define NMOS_OPENINGS_AHEAD 4

/**
 * A Scout with the weights that are part of the library.
 * @param options  NULL: the usual way.
 * @return 0; NMOS_E_INVALID or NMOS_E_LIMIT for a class; NMOS_E_LIMIT for a language model with too
 * little context; NMOS_E_NOMEM, NMOS_E_IO.
 */
int nmos_scout_create(const struct nmos_scout_options *options, struct nmos_scout **ret_scout);

/** Frees it and nulls the pointer; NULL is a no-op. */
void nmos_scout_destroy(struct nmos_scout **scout);

/** Number of intents. */
size_t nmos_scout_n_intents(const struct nmos_scout *scout);

/** Name of intent @p i, in a fixed order: the trained ones, then the user's. Lives as long as the
 * Scout. */
const char *nmos_scout_intent_name(const struct nmos_scout *scout, size_t i);

/** What the language model's evidence counts beside the linear part, 0 to 2; 0 without a model. */
double nmos_scout_language_weight(const struct nmos_scout *scout);

/**
 * How likely each intent is, given what has been typed so far. CODE wants code or help with it;
 * DOCS works on a text, table or data given in the prompt; CHAT is everything else. Of a text above
 * 1600 bytes the first 1200 and the last 400 count. Takes a fraction of a millisecond, so it can be
 * asked at every keystroke. With a language model it takes a pass of about ten rows; one that fails
 * is logged and no longer asked. Where the failure memory knows a text that is much like it, the
 * intent of that one comes first.
 * @param ret_intents  [nmos_scout_n_intents()], at most NMOS_INTENTS_MAX; the likeliest first.
 */
void nmos_scout_classify(struct nmos_scout *scout, const void *text, size_t len,
                         struct nmos_intent *ret_intents);

/*
 * Typing: an answer that is prepared while its question is being written. Keystrokes go in; what
 * can be known of the prompt is read into the session ahead of need, and the answer to the text as
 * it stands is begun, as if Enter had come (the Enter branch). An edit gives up what it made wrong,
 * within a layer's time, and the session goes back to what is still right. Until Enter nothing of
 * the answer leaves the library, and nothing but typed text counts as typed. The answer is that
 * which would come without preparation, to the bit. A branch begins after a moment without typing,
 * which depends on how long a pass takes and how fast the person types, and once the weights that
 * stay in memory have been read. After the last keystroke work goes on for the prompt and
 * `ahead_max` tokens, and not beyond `idle_ms`; then it rests.
 *
 * The functions may be called by any thread, but not by the callbacks of the same typing, which
 * come from the scheduler's thread or from within nmos_typing_enter().
 */

struct nmos_typing;

/** What is done before Enter. */
enum nmos_anticipation {
    NMOS_ANTICIPATE_OFF,    /**< nothing */
    NMOS_ANTICIPATE_PREFIX, /**< saves power: the prompt is read in larger pieces, no answer begun
                             */
    NMOS_ANTICIPATE_FULL,   /**< the prompt is read and the Enter branch run */
};

/** What an intent changes of an answer. */
struct nmos_intent_use {
    const char *system; /**< leads a conversation that begins with such a message; NULL: nothing
                           does */
    struct nmos_sampling sampling; /**< how the answer to such a message is drawn */
};

/** Settings of a typing; start from all zero. What they point to is borrowed until the typing is
 * destroyed. */
struct nmos_typing_options {
    struct nmos_scheduler *scheduler;
    struct nmos_session *session; /**< nobody else uses it meanwhile */
    const struct nmos_template *chat_template;
    /** How to answer; its prompt is not used. on_text gets nothing before Enter. */
    struct nmos_generation generation;
    /**
     * Provisional text, for people who would rather read at once what may be wrong: called between
     * Enter and the answer's end with what the model's draft guesses to follow the text that
     * on_text has given so far, whole each time, in place of what was guessed before; empty:
     * nothing. Never part of the answer. By any thread, with the generation's arg; it may not call
     * the library. NULL, or a model without a draft: there is none.
     */
    void (*on_provisional)(void *arg, const char *text, size_t len);
    /**
     * [n_intents] What intents change, at most NMOS_INTENTS_MAX: nmos_typing_expect() says how
     * likely each is. The likeliest one when Enter comes counts, as if it had been known from the
     * beginning. Its sampling takes the place of the generation's. Its system prompt leads the
     * conversation if that begins with this message, without messages before it; the caller puts
     * it before the later ones. While the message is typed, the system prompts of likely intents
     * are read ahead, in sessions of their own: as many as the model has room for, at most
     * NMOS_OPENINGS_AHEAD, with the KV pages that the conversation does not need. Number i of them
     * is number i of the model's intents, where that has so many. 0: nothing.
     */
    const struct nmos_intent_use *intents;
    size_t n_intents;
    /**
     * With a model that has a cache of experts and learns NMOS_LEARN_EXPERTS: when the answer to a
     * line has ended, and some experts of its first 8 passes had to be read on demand, those that
     * they used are kept with the line, by the next call that begins a question or destroys the
     * typing. While a line like it is typed they are likely, and read ahead like those of likely
     * intents. NULL: none.
     */
    struct nmos_memory *memory;
    enum nmos_anticipation anticipation;
    uint32_t ahead_max; /**< tokens of an answer before Enter; 0: 16 */
    /** When nothing was typed for so long, no pass is begun before the next event; what was read
     * and begun stays. 0: 30 seconds. */
    uint32_t idle_ms;
    /** Called once for each nmos_typing_enter() that returned 0, when the answer has ended: as
     * on_done of a job. The next question may be begun afterwards. */
    void (*on_done)(void *arg, int status, const struct nmos_generation_result *result);
};

/** @return 0; NMOS_E_INVALID when a part is missing; NMOS_E_NOMEM. */
int nmos_typing_create(struct nmos_model *model, const struct nmos_typing_options *options,
                       struct nmos_typing **ret_typing);
/** Gives up what runs, waits for its end and nulls the pointer; NULL is a no-op. */
void nmos_typing_destroy(struct nmos_typing **typing);

/**
 * Begins a question behind @p messages, which are copied, with an empty line. With anticipation the
 * weights that stay in memory and the conversation so far are read from now on.
 * @return 0; NMOS_E_BUSY while an answer runs; NMOS_E_NOMEM.
 */
int nmos_typing_begin(struct nmos_typing *typing, const struct nmos_message *messages,
                      size_t n_messages);

/** Characters were typed or pasted at the cursor: @p len bytes of UTF-8 without zero bytes.
 * @return 0; NMOS_E_BUSY behind Enter; NMOS_E_INVALID; NMOS_E_LIMIT above 64 MiB; NMOS_E_NOMEM. */
int nmos_typing_insert(struct nmos_typing *typing, const char *text, size_t len);
/** Up to @p n characters before the cursor were deleted. */
int nmos_typing_delete(struct nmos_typing *typing, size_t n);
/** The cursor stands behind the first @p pos characters now. */
int nmos_typing_move(struct nmos_typing *typing, size_t pos);
/** The line is this text now, the cursor at its end: for editors that know the whole line. */
int nmos_typing_replace(struct nmos_typing *typing, const char *text, size_t len);

/** How likely each intent of the options is for the line as it stands. What is prepared is shared
 * out in that proportion: system prompts, and experts, of which those that are likely are read
 * while no pass runs. Before the first call all are as likely. @param p  [n_intents] 0..1. Of
 * equals the first one counts. */
void nmos_typing_expect(struct nmos_typing *typing, const double *p);

/** The line as it stands, zero-terminated, to be freed with nmos_free(). */
int nmos_typing_text(struct nmos_typing *typing, char **ret_text, size_t *ret_len);

/**
 * Enter: the text is sent. Text of the answer that is there comes at once, from within this call.
 * @return 0; NMOS_E_LIMIT when the prompt does not fit; failures of the template. After a failure
 * the line goes on.
 */
int nmos_typing_enter(struct nmos_typing *typing);

/** Ends the answer within a layer's time (on_done tells); before Enter, empties the line. */
void nmos_typing_cancel(struct nmos_typing *typing);

/** How things stand. */
struct nmos_typing_state {
    int has_entered;
    int is_working;          /**< a job ahead of need or an answer runs */
    uint32_t prompt_tokens;  /**< of the prompt, were Enter pressed now */
    uint32_t ready_tokens;   /**< of them, in the session */
    uint32_t ahead_tokens;   /**< of the answer to the text as it stands, verified */
    int is_idle;             /**< nothing was typed for the idle time, and no pass runs for it */
    uint64_t text_bytes;     /**< of the line */
    uint32_t intent;         /**< the likeliest one; behind Enter the one that counts */
    uint32_t opening_tokens; /**< of its system prompt, with what the template puts around it; 0
                                where there is none to choose, or it is not read ahead */
    uint32_t openings_ready; /**< tokens of the system prompts of all intents that are read ahead */
    uint32_t experts_known;  /**< experts that the memory knows of a line like this one */
    /* Of the last Enter: */
    uint32_t entered_ready;    /**< ready_tokens then */
    uint32_t entered_openings; /**< openings_ready then */
    int branch_submitted;      /**< the answer to just this text had been begun */
    int branch_hit;            /**< ... and had at least one verified token */
    uint64_t branches;         /**< begun and ended so far, and of them ... */
    uint64_t given_up;         /**< ... given up for an edit */
};
void nmos_typing_get_state(struct nmos_typing *typing, struct nmos_typing_state *ret_state);

#ifdef __cplusplus
}
#endif

#endif

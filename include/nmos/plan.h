/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Plans: what would go where, and what this machine can do.
 */
#ifndef NMOS_PLAN_H
#define NMOS_PLAN_H

#include <nmos/error.h>
#include <nmos/model.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

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
    char gpu[64];               /**< its name; "": the device is a stand-in */
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

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/* An opened model as the engine sees it. Owned by the thread that runs passes; cancel may come from
 * any, and so may what `lock` guards. */
#ifndef NMOS_ENGINE_MODEL_H
#define NMOS_ENGINE_MODEL_H

#include <nmos/nmos.h>
#include <pthread.h>
#include <stdatomic.h>

#include "backend/backend.h"
#include "engine/kv_evict.h"
#include "engine/kv_pages.h"
#include "engine/kv_plan.h"
#include "engine/kv_promise.h"
#include "engine/tiers.h"
#include "engine/vocab_view.h"
#include "engine/weight_plan.h"
#include "gguf/gguf.h"
#include "infer/forward.h"
#include "infer/guess_credit.h"
#include "infer/guess_odds.h"
#include "infer/pass_cost.h"
#include "io/file.h"
#include "io/ioq.h"
#include "kv/page_table.h"
#include "model/weights.h"

/** Of an intent's name, with a zero byte. */
#define MODEL_INTENT_BYTES 32

struct nmos_model {
    struct gguf *gguf;
    _Atomic uint64_t fingerprint; /* see model_fingerprint(); 0: nobody has asked yet */
    struct weight_map *map;
    struct backend *backend;
    struct tiers tiers;  /* the device, if there is one */
    struct file **files; /* [gguf->n_files] */
    struct ioq *ioq;
    struct ioq *expert_ioq; /* NULL: no cache of experts */
    struct weight_source *weights;
    struct expert_source *experts; /* NULL: no cache of experts */
    struct forward *forward;
    struct expert_habits habits; /* of experts, in earlier runs; heat NULL: none known */
    struct nmos_vocab *vocab;
    struct nmos_model *draft; /* owned; NULL: none */
    int is_draft;
    char intents[NMOS_MODEL_INTENTS_MAX][MODEL_INTENT_BYTES]; /* [n_intents] names */
    uint32_t n_intents;
    unsigned learns;               /* of them: bits of enum nmos_learn */
    struct guess_odds (*odds)[2];  /* of guesses, drawn and greedy: of all texts, then of each
                                      intent where that is learned */
    struct guess_credit credit[2]; /* what they may cost: drawn, greedy */
    double batch_s;                /* running mean of one batch of the draft; 0: none yet */
    struct pass_cost cost;
    struct page_pool pages;
    float *page_scores; /* [kv.n_pages][kv.mass_columns] of sessions, when the page was full */
    struct nmos_session *promised;   /* whose generations were promised pages of it */
    struct nmos_snapshot *snapshots; /* that there are */
    uint32_t n_saving;               /* of them, being written */
    uint32_t n_entered;              /* pages pinned in memory to be written to disk or read */
    struct kv_pages kv_pages;
    struct budget_split split; /* of the bound in force */
    struct nmos_model_info info;
    struct nmos_stats stats;
    void (*on_progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes); /* until loaded */
    void *progress_arg;
    uint64_t watched_ns; /* when memory was last looked at */
    int64_t spare_bytes; /* memory that the machine had beyond the bound when that was set */
    struct kv_plan kv;
    enum nmos_kv_type kv_type;
    uint32_t n_sessions;
    struct batch_row *rows;   /* [rows_max] scratch of nmos_forward() */
    uint32_t *pending_of_row; /* [rows_max] its number among its session's pending rows */
    struct batch_seq *seqs;   /* [sessions_max] */
    struct nmos_session **pass_sessions; /* [sessions_max] who takes part in the pass */
    _Atomic int cancel; /* set by nmos_model_cancel(), cleared by the pass that ends */
    /* Guards the page pool, the tables and committed tokens of sessions, their number, and stats.
     * The pass itself runs without it: what it reads and writes of a session, nobody else changes
     * meanwhile. Nothing else is locked while it is held. */
    pthread_mutex_t lock;
    struct nmos_scheduler *scheduler; /* that runs the passes; NULL: whoever calls does */
    pthread_mutex_t draft_lock; /* held by who runs the draft; the draft's own lock may be taken */
};

/** Rows of one pass of a draft: some levels of a tree. */
#define MODEL_DRAFT_ROWS_MAX 256U

/** learned_fingerprint() of the header, which takes 8 ms for a vocabulary of 150,000 tokens: when
 * it is first asked for. From any thread. */
uint64_t model_fingerprint(struct nmos_model *model);

/** Says that a draft does not fit. @return NMOS_E_NOMEM. */
int model_draft_too_large(const struct nmos_model_options *options, uint64_t left_bytes,
                          uint64_t ram_bytes) NMOS_MUST_CHECK;

struct nmos_session {
    struct nmos_model *model;
    struct kv_table table;
    int32_t *tokens;    /* [ctx] the committed ones */
    void **pages;       /* [BATCH_PLACES][table.n_pages_max] scratch of passes */
    uint32_t seq_i;     /* its place in the pass being prepared, or UINT32_MAX */
    int32_t *pending;   /* [rows_max] tokens of the pending rows */
    int32_t *parents;   /* [rows_max] of the pending rows: an earlier one, or BATCH_NO_PARENT */
    uint32_t n_pending; /* rows that may be committed: of the last pass, and held ones before */
    uint32_t n_held;    /* of them, rows of passes before that one being prepared */
    struct kv_evict evict;
    struct kv_promise promise;
    int is_held;                /* the next pass goes on behind the pending rows */
    struct expert_first *first; /* counts the experts of its first passes; NULL: nobody does */
    uint32_t intent; /* of the rows of the next pass, where experts are told apart by it; or 0 */
    struct nmos_session
        *draft;           /* the same past as far as the draft has read it; NULL: not at all */
    uint32_t n_turns;     /* that others than guessing ahead had with `draft`; under draft_lock */
    uint32_t n_jobs;      /* unfinished */
    struct nmos_job *job; /* of them, the one that has started */
    int is_dropped;       /* to be freed when none is left */
    float *logits;        /* [n_vocab] behind the committed tokens, if logits_len tells so */
    uint32_t logits_len;  /* tokens that they are behind */
};

/* As logits_len: they are behind no past at all. */
#define SESSION_NO_LOGITS UINT32_MAX

/** Frees a session that has no job. */
void session_free(struct nmos_session *session);

/** Nothing of earlier passes can be committed any more. */
void session_forget_pending(struct nmos_session *session);

/** Gives the session a past of the model's draft, an empty one, unless it has one. */
int session_begin_draft(struct nmos_session *session) NMOS_MUST_CHECK;

/** Pages that a pass with so many rows of the session would take from the pool. Under the lock. */
uint32_t session_pages_needed(const struct nmos_session *session, uint32_t n_rows);

/** What of @p coming, tokens that are to come behind the session's, is in pages that are known.
 * Under the lock. */
struct kv_known session_find_known(struct nmos_session *session, const int32_t *coming,
                                   size_t n_coming);

/** Shares these pages: no pass is needed for their tokens. Rows that were pending are forgotten
 * then. @return tokens that the session has got. */
uint32_t session_adopt(struct nmos_session *session, const int32_t *coming, size_t n_coming);

/** The text of the page that @p coming goes into, its number aside. @return 0 when it is not filled
 * by them. */
int session_next_page(struct nmos_session *session, const int32_t *coming, size_t n_coming,
                      struct page_text *ret_next);

/** Takes a page back from a snapshot that is not being written, which leaves its tokens out then.
 * Under the lock. @return 0 when there is none. */
int prefix_give_back(struct nmos_model *model);

/** Tells the one who wants to know how far the first pass has come with reading weights;
 * @p is_over: that it has ended. */
void model_report_loading(struct nmos_model *model, int is_over);

/** Takes the figures of a plan into `info`. */
void model_note_plan(struct nmos_model *model, const struct weight_plan *plan);

/** Notes how much memory there is beyond the bound just set. */
void model_note_spare(struct nmos_model *model);

/** Gives weights back when memory has become short; no weights may be held. @p arg is the model.
 * Looks at most four times a second, and allocates only when it acts. @return as
 * nmos_model_shrink(). */
int model_watch_memory(void *arg) NMOS_MUST_CHECK;

#endif

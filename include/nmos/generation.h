/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Sampling and generation.
 */
#ifndef NMOS_GENERATION_H
#define NMOS_GENERATION_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nmos_model;
struct nmos_session;

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

#ifdef __cplusplus
}
#endif

#endif

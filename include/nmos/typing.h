/* SPDX-License-Identifier: MIT */
/**
 * @file
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
#ifndef NMOS_TYPING_H
#define NMOS_TYPING_H

#include <nmos/generation.h>
#include <nmos/template.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nmos_memory;
struct nmos_model;
struct nmos_scheduler;
struct nmos_session;

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

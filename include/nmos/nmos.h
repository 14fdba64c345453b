/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The public interface of NMOS.
 *
 * Functions that can fail return 0 or a negative enum nmos_status; nmos_last_error() then holds a
 * sentence for people. Types are opaque. What *_create() or *_open() returns belongs to the caller
 * until the matching
 * *_destroy() or *_close(), which nulls the caller's pointer.
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

/** Told how far long work has come, in bytes; a result other than 0 stops it with NMOS_E_CANCELLED.
 */
typedef int (*nmos_progress_fn)(void *arg, uint64_t done_bytes, uint64_t total_bytes);

/**
 * Checks that the tensors are those, in those shapes, that the architecture demands, then reads them
 * all and checks that every scale is a finite number. Holds 4 MiB beside the header.
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
    NMOS_ENCODE_BOS = 2,     /**< begin (and end) the ids as the metadata asks for */
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
 * Chat templates: messages to the prompt that a model was trained on. A template is immutable and may
 * be used by several threads at once. However long a template would run or whatever it would print,
 * a rendering is bounded in time and memory.
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
 * @param file  gives the BOS and EOS texts, and the template where @p text is NULL; may be NULL else.
 *              Not needed afterwards.
 * @param text  a template in Jinja's language, @p text_bytes long, or NULL. Not needed afterwards.
 * @return 0; NMOS_E_UNSUPPORTED when the model has no template, or the template needs what this build
 * lacks; NMOS_E_CORRUPT for a template that cannot be read; both with the line and the reason.
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
 * As nmos_template_render() for a whole conversation as JSON: an object with "messages" and optionally
 * "tools" (default null), "add_generation_prompt" (default false), "bos_token", "eos_token" (default:
 * the model's), "strftime_now" (a time such as "2024-07-26T12:00:00", default: now). Any other member
 * is passed on as a variable of that name.
 * @return also NMOS_E_CORRUPT when it is not JSON.
 */
int nmos_template_render_json(const struct nmos_template *chat_template, const char *json,
                              size_t json_bytes, char **ret_prompt, size_t *ret_prompt_bytes);

#ifdef __cplusplus
}
#endif

#endif

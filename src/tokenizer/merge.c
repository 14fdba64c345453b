/* SPDX-License-Identifier: MIT */
#include "tokenizer/merge.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "tokenizer/tokenizer_internal.h"

#define WINDOW_BYTES 2048U /* symbols and heap together stay within 128 KiB of cache */
#define WINDOW_TAIL  32U   /* tokens that end this close to a window's end may still change */

int token_ids_append(struct token_ids *ids, int32_t id)
{
    if (ids->n == ids->cap) {
        const size_t cap = ids->cap < 64 ? 64 : ids->cap * 2;
        int32_t *data = mem_grow(MEM_GENERAL, ids->data, cap * sizeof(*data));
        if (!data) return NMOS_E_NOMEM;
        ids->data = data;
        ids->cap = cap;
    }
    ids->data[ids->n++] = id;
    return 0;
}

void token_ids_deinit(struct token_ids *ids)
{
    mem_free(ids->data);
    *ids = (struct token_ids){0};
}

/* Makes room for windows of @p bytes; content is lost. */
static int reserve_window(struct merge_work *work, size_t bytes)
{
    if (bytes <= work->cap) return 0;
    size_t heap_bytes = 0;
    TRY(size_mul(bytes, 3 * sizeof(*work->heap), &heap_bytes));
    struct merge_symbol *symbols = mem_alloc(MEM_VOCAB, bytes * sizeof(*symbols), MEM_ALIGN_VECTOR);
    struct merge_candidate *heap = mem_alloc(MEM_VOCAB, heap_bytes, MEM_ALIGN_VECTOR);
    struct merge_piece *pieces = mem_alloc(MEM_VOCAB, bytes * sizeof(*pieces), MEM_ALIGN_VECTOR);
    if (!symbols || !heap || !pieces) {
        mem_free(symbols);
        mem_free(heap);
        mem_free(pieces);
        return NMOS_E_NOMEM;
    }
    mem_free(work->symbols);
    mem_free(work->heap);
    mem_free(work->pieces);
    work->symbols = symbols;
    work->heap = heap;
    work->pieces = pieces;
    work->cap = bytes;
    return 0;
}

int merge_work_init(struct merge_work *work)
{
    *work = (struct merge_work){0};
    return reserve_window(work, WINDOW_BYTES);
}

void merge_work_deinit(struct merge_work *work)
{
    mem_free(work->symbols);
    mem_free(work->heap);
    mem_free(work->pieces);
    *work = (struct merge_work){0};
}

static void heap_push(struct merge_work *work, struct merge_candidate item)
{
    size_t i = work->n_heap++;
    while (i > 0 && work->heap[(i - 1) / 2].key > item.key) {
        work->heap[i] = work->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    work->heap[i] = item;
}

static struct merge_candidate heap_pop(struct merge_work *work)
{
    struct merge_candidate *const heap = work->heap;
    const struct merge_candidate top = heap[0];
    const struct merge_candidate last = heap[--work->n_heap];
    const size_t n = work->n_heap;
    size_t i = 0;
    for (size_t child = 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && heap[child + 1].key < heap[child].key) child++;
        if (heap[child].key >= last.key) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

/* Proposes the merge of the symbol at @p place with its right neighbour, where there is one. */
static void propose(const struct tokenizer *t, struct merge_work *work, const char *text, size_t n,
                    uint32_t place)
{
    const struct merge_symbol *left = &work->symbols[place];
    if (place + left->len >= n) return;
    const struct merge_symbol *right = &work->symbols[place + left->len];
    const uint32_t len = left->len + right->len;
    uint32_t rank = 0;
    int32_t joined = TOKEN_NONE;
    if (t->family == FAMILY_BPE) {
        const struct merge_rule *rule = vocab_find_rule(t, left->id, right->id);
        if (!rule) return;
        rank = rule->rank;
        joined = rule->joined;
    } else {
        joined = vocab_find_text(t, text + place, len);
        if (joined == TOKEN_NONE) return;
        rank = t->ranks[joined];
    }
    heap_push(work, (struct merge_candidate){(uint64_t)rank << 32 | place, joined, len});
}

/* The smallest symbols: bytes, or characters. */
static void init_symbols(const struct tokenizer *t, struct merge_work *work, const char *text,
                         size_t n)
{
    uint32_t prev = 0;
    for (size_t i = 0; i < n;) {
        int32_t id = t->byte_ids[(unsigned char)text[i]];
        uint32_t len = 1;
        if (t->family == FAMILY_SPM) {
            const int char_len = utf8_char_len(text + i, n - i);
            len = char_len > 0 ? (uint32_t)char_len : 1;
            id = vocab_find_text(t, text + i, len);
        }
        work->symbols[i] = (struct merge_symbol){id, len, prev};
        for (uint32_t k = 1; k < len; k++) work->symbols[i + k].len = 0;
        prev = (uint32_t)i;
        i += len;
    }
}

/* All merges of a text of at most work->cap bytes; what remains stands in work->symbols. */
static void merge_symbols(const struct tokenizer *t, struct merge_work *work, const char *text,
                          size_t n)
{
    struct merge_symbol *const symbols = work->symbols;
    init_symbols(t, work, text, n);
    work->n_heap = 0;
    for (uint32_t i = 0; i < n; i += symbols[i].len) propose(t, work, text, n, i);
    while (work->n_heap) {
        const struct merge_candidate best = heap_pop(work);
        const uint32_t place = (uint32_t)best.key;
        struct merge_symbol *left = &symbols[place];
        const uint32_t right = place + left->len;
        /* Stale when one of the two has been merged with another since. */
        if (left->len == 0 || right >= n || left->len + symbols[right].len != best.len) continue;
        left->len = best.len;
        left->id = best.joined;
        symbols[right].len = 0;
        const uint32_t next = place + best.len;
        if (next < n) symbols[next].prev = place;
        propose(t, work, text, n, place);
        if (place > 0) propose(t, work, text, n, left->prev);
    }
}

/* A character that is no token: its bytes' tokens. A byte without a token is left out, as the
 * models' own tokenizers do. */
static int append_piece(const struct tokenizer *t, const char *text, struct merge_piece piece,
                        struct token_ids *ids)
{
    if (piece.id != TOKEN_NONE) return token_ids_append(ids, piece.id);
    for (uint32_t i = 0; i < piece.len; i++) {
        int32_t id = t->byte_ids[(unsigned char)text[i]];
        if (id == TOKEN_NONE && t->family == FAMILY_SPM) id = t->roles.unk;
        if (id != TOKEN_NONE) TRY(token_ids_append(ids, id));
    }
    return 0;
}

/* Fact (2) of merge.h: do the @p left bytes before @p seam and @p right behind it stay apart? */
static int seam_holds(const struct tokenizer *t, struct merge_work *work, const char *seam,
                      uint32_t left, uint32_t right)
{
    merge_symbols(t, work, seam - left, (size_t)left + right);
    return work->symbols[0].len == left && work->symbols[left].len == right;
}

/* A place in a long word between two tokens of the result. */
struct merge_mark {
    size_t done;       /* bytes whose ids are appended */
    size_t n_ids;      /* ids appended to the caller's list by then */
    uint32_t last_len; /* bytes of the last token; 0: none yet */
};

/* Progress through a long word. */
struct long_word {
    struct str text;
    struct merge_mark start;
    struct merge_mark before; /* where the last window started */
    struct merge_mark now;
    size_t window; /* bytes */
};

/* Bytes of the next window; characters are not cut. */
static size_t window_bytes(const struct tokenizer *t, const struct long_word *word)
{
    const char *text = word->text.data + word->now.done;
    const size_t left = word->text.len - word->now.done;
    if (left <= word->window) return left;
    size_t n = word->window;
    for (size_t back = 0; back < 3 && t->family == FAMILY_SPM; back++, n--) {
        if (((unsigned char)text[n] & 0xc0) != 0x80) return n;
    }
    return n;
}

/* Copies the leading symbols that will hardly change any more to work->pieces: behind them stands
 * as much again as the last of them, and at least WINDOW_TAIL. @return their number. */
static size_t settle_pieces(struct merge_work *work, size_t n, int is_end)
{
    size_t n_pieces = 0;
    for (size_t at = 0; at < n;) {
        const struct merge_symbol *symbol = &work->symbols[at];
        at += symbol->len;
        const size_t tail = symbol->len > WINDOW_TAIL ? symbol->len : WINDOW_TAIL;
        if (!is_end && at + tail > n) break;
        work->pieces[n_pieces++] = (struct merge_piece){symbol->id, symbol->len};
    }
    return n_pieces;
}

/* One window. A seam that does not hold takes the word back, first by one window, then to its
 * start, with windows twice as long; one window over all of it has no seams, so this ends. */
static int merge_step(const struct tokenizer *t, struct merge_work *work, struct long_word *word,
                      struct token_ids *ids)
{
    const char *text = word->text.data + word->now.done;
    const size_t n = window_bytes(t, word);
    const int is_end = n == word->text.len - word->now.done;
    TRY(reserve_window(work, n + t->longest + 4));
    merge_symbols(t, work, text, n);
    const size_t n_pieces = settle_pieces(work, n, is_end);
    if (n_pieces == 0) {
        word->window *= 2;
        return 0;
    }
    if (word->now.last_len && !seam_holds(t, work, text, word->now.last_len, work->pieces[0].len)) {
        word->now = word->before;
        word->before = word->start;
        ids->n = word->now.n_ids;
        word->window *= 2;
        return 0;
    }
    word->before = word->now;
    for (size_t i = 0; i < n_pieces; i++) {
        TRY(append_piece(t, word->text.data + word->now.done, work->pieces[i], ids));
        word->now.last_len = work->pieces[i].len;
        word->now.done += word->now.last_len;
    }
    word->now.n_ids = ids->n;
    return 0;
}

int merge_word(const struct tokenizer *t, struct merge_work *work, struct str text,
               struct token_ids *ids)
{
    if (t->whole_words_first) {
        const int32_t id = vocab_find_text(t, text.data, text.len);
        if (id != TOKEN_NONE) return token_ids_append(ids, id);
    }
    const struct merge_mark start = {0, ids->n, 0};
    struct long_word word = {text, start, start, start, WINDOW_BYTES};
    while (word.now.done < text.len) TRY(merge_step(t, work, &word, ids));
    return 0;
}

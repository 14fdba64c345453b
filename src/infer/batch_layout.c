/* SPDX-License-Identifier: MIT */
/* From rows with parents to positions, slots and pages: integers only. */
#include <inttypes.h>
#include <string.h>

#include "infer/forward_internal.h"

static int check_row(const struct forward *f, const struct batch *batch, uint32_t row_i)
{
    const struct batch_row *row = &batch->rows[row_i];
    if (row->seq_i >= batch->n_seqs) {
        return FAIL(NMOS_E_INVALID, "row %u names session %u of %u", row_i, row->seq_i,
                    batch->n_seqs);
    }
    if (row->token < 0 || (uint32_t)row->token >= f->hp->n_vocab) {
        return FAIL(NMOS_E_INVALID, "row %u: token %" PRId32 " is outside the vocabulary of %u",
                    row_i, row->token, f->hp->n_vocab);
    }
    if (row->parent == BATCH_NO_PARENT) return 0;
    if (row->parent <= BATCH_HELD(0)) {
        const uint32_t held_i = (uint32_t)BATCH_HELD(row->parent);
        if (held_i < batch->seqs[row->seq_i].n_held) return 0;
        return FAIL(NMOS_E_INVALID, "row %u follows row %u of %u held ones", row_i, held_i,
                    batch->seqs[row->seq_i].n_held);
    }
    if (row->parent < 0 || (uint32_t)row->parent >= row_i ||
        batch->rows[row->parent].seq_i != row->seq_i) {
        return FAIL(NMOS_E_INVALID,
                    "row %u: parent %" PRId32 " is not an earlier row of the same session", row_i,
                    row->parent);
    }
    return 0;
}

/* A row whose ancestors all lie in slots of their positions needs no list. */
static int path_is_straight(const struct forward *f, const struct batch_row *row, int32_t pos,
                            int32_t slot)
{
    if (pos != slot || row->parent <= BATCH_HELD(0)) return 0;
    return row->parent == BATCH_NO_PARENT || f->kv_rows[row->parent].tail_slots == NULL;
}

/* The row before @p *row in the past of a session; fills in its slot. */
static int32_t step_back(const struct forward *f, const struct batch *batch,
                         const struct batch_seq *seq, int32_t row, int32_t *ret_slot)
{
    if (row >= 0) {
        *ret_slot = f->kv_rows[row].slot;
        return batch->rows[row].parent;
    }
    const int32_t held_i = BATCH_HELD(row);
    *ret_slot = (int32_t)seq->table->len + held_i;
    return seq->held[held_i] == BATCH_NO_PARENT ? BATCH_NO_PARENT : BATCH_HELD(seq->held[held_i]);
}

/* Position of a held row: its ancestors among the held ones are counted. */
static int32_t held_pos(const struct batch_seq *seq, int32_t held_i)
{
    int32_t pos = (int32_t)seq->table->len;
    for (int32_t k = seq->held[held_i]; k != BATCH_NO_PARENT; k = seq->held[k]) pos++;
    return pos;
}

static int list_tail(struct forward *f, const struct batch *batch, uint32_t row_i, uint32_t *n_used)
{
    struct kv_row *kv = &f->kv_rows[row_i];
    const struct batch_seq *seq = &batch->seqs[batch->rows[row_i].seq_i];
    const uint32_t len = seq->table->len;
    const uint32_t depth = (uint32_t)kv->pos + 1 - len;
    const uint32_t capacity = f->config.n_rows_max * FORWARD_TAIL_SLOTS_PER_ROW;
    if (depth > FORWARD_TREE_DEPTH_MAX || depth > capacity - *n_used) {
        return FAIL(NMOS_E_LIMIT, "row %u lies %u tokens deep in a tree; at most %d are possible",
                    row_i, depth, FORWARD_TREE_DEPTH_MAX);
    }
    int32_t *tail = f->tail_slots + *n_used;
    int32_t ancestor = (int32_t)row_i;
    for (uint32_t i = depth; i > 0; i--) {
        ancestor = step_back(f, batch, seq, ancestor, &tail[i - 1]);
    }
    kv->n_prefix = (int32_t)len;
    kv->tail_slots = tail;
    *n_used += depth;
    return 0;
}

static void find_pages(const struct forward *f, const struct kv_table *table, void **pages)
{
    for (uint32_t i = 0; i < table->n_pages; i++) {
        const uint32_t page = table->page_ids[i];
        pages[i] = page == PAGE_NONE ? NULL : f->kv_memory + (size_t)page * f->page_bytes;
    }
}

/* The same rows at the device: slots and positions are the same, pages lie elsewhere. */
static void copy_layout(const struct forward *f, struct forward *device, const struct batch *batch)
{
    for (uint32_t s = 0; s < batch->n_seqs; s++) {
        const struct batch_seq *seq = &batch->seqs[s];
        find_pages(device, seq->table, seq->pages + seq->table->n_pages_max);
    }
    for (uint32_t i = 0; i < batch->n_rows; i++) {
        device->kv_rows[i] = f->kv_rows[i];
        device->kv_rows[i].pages += batch->seqs[batch->rows[i].seq_i].table->n_pages_max;
    }
}

/* Masses of a row. */
static size_t mass_floats(const struct forward *f)
{
    return (size_t)f->hp->n_kv_heads * f->config.mass_columns;
}

void forward_row_mass(const struct forward *f, uint32_t row_i, float *ret_mass)
{
    const uint32_t n = f->config.mass_columns;
    const float *masses = f->masses + row_i * mass_floats(f);
    const float mean = 1.0F / (float)(f->hp->n_heads * f->hp->n_layers);
    for (uint32_t i = 0; i < n; i++) {
        float sum = 0;
        for (uint32_t h = 0; h < f->hp->n_kv_heads; h++) sum += masses[h * n + i];
        ret_mass[i] = sum * mean;
    }
}

int batch_layout(struct forward *f, const struct batch *batch)
{
    if (batch->n_rows > f->config.n_rows_max || batch->n_seqs > f->config.n_seqs_max) {
        return FAIL(NMOS_E_LIMIT, "a pass of %u rows of %u sessions; %u rows of %u are possible",
                    batch->n_rows, batch->n_seqs, f->config.n_rows_max, f->config.n_seqs_max);
    }
    for (uint32_t s = 0; s < batch->n_seqs; s++) {
        f->seq_fill[s] = 0;
        if (!f->config.spill) find_pages(f, batch->seqs[s].table, batch->seqs[s].pages);
    }
    uint32_t n_tail = 0;
    if (f->masses) memset(f->masses, 0, batch->n_rows * mass_floats(f) * sizeof(float));
    for (uint32_t i = 0; i < batch->n_rows; i++) {
        TRY(check_row(f, batch, i));
        const struct batch_row *row = &batch->rows[i];
        const struct batch_seq *seq = &batch->seqs[row->seq_i];
        struct kv_row *kv = &f->kv_rows[i];
        const int32_t slot = (int32_t)(seq->table->len + seq->n_held + f->seq_fill[row->seq_i]++);
        const int32_t pos = row->parent >= 0 ? f->kv_rows[row->parent].pos + 1
                            : row->parent == BATCH_NO_PARENT
                                ? (int32_t)seq->table->len
                                : held_pos(seq, BATCH_HELD(row->parent)) + 1;
        if ((uint32_t)slot >= seq->table->n_pages * seq->table->page_tokens) {
            return FAIL(NMOS_E_INVALID, "row %u: no slot was reserved for it", i);
        }
        *kv = (struct kv_row){.pos = pos, .slot = slot, .pages = seq->pages, .n_prefix = pos + 1};
        if (f->config.spill) kv->pages += seq->table->n_pages_max;
        if (f->masses) kv->mass = f->masses + i * mass_floats(f);
        if (!path_is_straight(f, row, pos, slot)) TRY(list_tail(f, batch, i, &n_tail));
    }
    if (f->device) copy_layout(f, f->device, batch);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * nmos inspect: what a GGUF file holds.
 *
 * Collects totals per tensor type and per shard in one walk over the directory (a shard is what the
 * River moves: the tensors of one layer, blk.N.*; the others count as "outside"), then prints
 * tables or one JSON object. Long arrays (vocabularies) are shown by their first elements.
 */
#include <inttypes.h>
#include <math.h>
#include <nmos/nmos.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/output.h"

#define ARRAY_SHOWN 8U   /* elements of an array */
#define TEXT_SHOWN  160U /* bytes of a string on the terminal */
#define TYPES_MAX   64U  /* different tensor types; more than the format has */

struct type_total {
    const char *type;
    uint64_t n_tensors;
    uint64_t n_bytes;
};

struct totals {
    struct type_total types[TYPES_MAX];
    size_t n_types;
    uint64_t outside_bytes; /* of tensors that belong to no layer */
    uint64_t *layer_bytes;  /* [n_layers]; owned */
    uint64_t n_layers;
};

/* N of "blk.N.rest", or -1. A layer number has at most four digits, so the table stays small. */
static int layer_of(struct nmos_text name)
{
    if (name.len < 6 || memcmp(name.data, "blk.", 4) != 0) return -1;
    int layer = 0;
    for (size_t i = 4; i < name.len && i < 9; i++) {
        const char c = name.data[i];
        if (c == '.') return i == 4 ? -1 : layer;
        if (c < '0' || c > '9') return -1;
        layer = layer * 10 + (c - '0');
    }
    return -1;
}

static void add_type(struct totals *totals, const struct nmos_tensor *tensor)
{
    size_t i = 0;
    while (i < totals->n_types && strcmp(totals->types[i].type, tensor->type) != 0) i++;
    if (i == TYPES_MAX) return;
    if (i == totals->n_types) totals->types[totals->n_types++].type = tensor->type;
    totals->types[i].n_tensors++;
    totals->types[i].n_bytes += tensor->n_bytes;
}

static int collect(const struct nmos_file *file, const struct nmos_file_info *info,
                   struct totals *totals)
{
    struct nmos_tensor tensor;
    for (uint64_t i = 0; i < info->n_tensors; i++) {
        TRY(nmos_file_tensor(file, i, &tensor));
        const int layer = layer_of(tensor.name);
        if (layer >= 0 && (uint64_t)layer >= totals->n_layers)
            totals->n_layers = (uint64_t)layer + 1;
    }
    totals->layer_bytes = mem_calloc(MEM_GENERAL, totals->n_layers, sizeof(*totals->layer_bytes));
    if (!totals->layer_bytes) return NMOS_E_NOMEM;
    for (uint64_t i = 0; i < info->n_tensors; i++) {
        TRY(nmos_file_tensor(file, i, &tensor));
        add_type(totals, &tensor);
        const int layer = layer_of(tensor.name);
        *(layer < 0 ? &totals->outside_bytes : &totals->layer_bytes[layer]) += tensor.n_bytes;
    }
    return 0;
}

static int print_value(const struct nmos_value *value)
{
    switch (value->kind) {
    case NMOS_VALUE_INT: return output_printf("%" PRId64, value->as.i);
    case NMOS_VALUE_UINT: return output_printf("%" PRIu64, value->as.u);
    case NMOS_VALUE_FLOAT: return output_printf("%.9g", value->as.f);
    case NMOS_VALUE_BOOL: return output_printf("%s", value->as.i ? "true" : "false");
    case NMOS_VALUE_TEXT: break;
    }
    const struct nmos_text text = value->as.text;
    TRY(output_write("\"", 1));
    TRY(output_safe_text(text.data, text.len < TEXT_SHOWN ? text.len : TEXT_SHOWN));
    if (text.len <= TEXT_SHOWN) return output_write("\"", 1);
    return output_printf("...\" (%zu bytes)", text.len);
}

/* "u32[20] 1, 2, 3, ..." */
static int print_array(const struct nmos_file *file, uint64_t i, const struct nmos_metadata *entry)
{
    struct nmos_value value;
    TRY(output_printf("%s[%" PRIu64 "] ", entry->type, entry->n_elems));
    for (uint64_t e = 0; e < entry->n_elems && e < ARRAY_SHOWN; e++) {
        TRY(nmos_file_value(file, i, e, &value));
        if (e) TRY(output_write(", ", 2));
        TRY(print_value(&value));
    }
    return output_printf("%s", entry->n_elems > ARRAY_SHOWN ? ", ..." : "");
}

static int print_metadata(const struct nmos_file *file, uint64_t i)
{
    struct nmos_metadata entry;
    struct nmos_value value;
    TRY(nmos_file_metadata(file, i, &entry));
    TRY(output_write("  ", 2));
    TRY(output_safe_text(entry.key.data, entry.key.len));
    TRY(output_write(" = ", 3));
    if (entry.is_array) {
        TRY(print_array(file, i, &entry));
    } else {
        TRY(nmos_file_value(file, i, 0, &value));
        TRY(print_value(&value));
    }
    return output_write("\n", 1);
}

static int print_tensor(const struct nmos_tensor *tensor)
{
    char shape[96] = "";
    size_t len = 0;
    for (uint32_t d = 0; d < tensor->n_dims; d++) {
        len += (size_t)snprintf(shape + len, sizeof(shape) - len, d ? " x %" PRIu64 : "%" PRIu64,
                                tensor->dims[d]);
    }
    TRY(output_printf("  %-8s %-22s %14" PRIu64 "  ", tensor->type, shape, tensor->n_bytes));
    TRY(output_safe_text(tensor->name.data, tensor->name.len));
    return output_printf("\n");
}

static int print_totals(const struct nmos_file_info *info, const struct totals *totals)
{
    TRY(output_printf("\ntypes\n"));
    for (size_t i = 0; i < totals->n_types; i++) {
        const struct type_total *type = &totals->types[i];
        TRY(output_printf("  %-8s %6" PRIu64 " tensors %14" PRIu64 " bytes %5.1f %%\n", type->type,
                          type->n_tensors, type->n_bytes,
                          100.0 * (double)type->n_bytes / (double)info->tensor_bytes));
    }
    TRY(output_printf("\nshards\n"));
    for (uint64_t i = 0; i < totals->n_layers; i++) {
        TRY(output_printf("  layer %-4" PRIu64 " %14" PRIu64 " bytes\n", i,
                          totals->layer_bytes[i]));
    }
    return output_printf("  outside    %14" PRIu64 " bytes\n", totals->outside_bytes);
}

static int print_tables(const struct nmos_file *file, const char *path,
                        const struct nmos_file_info *info, const struct totals *totals)
{
    char size[32];
    output_size(info->file_bytes, size);
    TRY(output_printf("%s: GGUF version %" PRIu32 ", %s in %" PRIu32 " file%s, %" PRIu64
                      " tensors, %" PRIu64 " weights\n\nmetadata\n",
                      path, info->version, size, info->n_parts, info->n_parts == 1 ? "" : "s",
                      info->n_tensors, info->n_elems));
    for (uint64_t i = 0; i < info->n_metadata; i++) TRY(print_metadata(file, i));
    if (info->n_tensors == 0) return output_printf("\nno tensors: a vocabulary only\n");
    TRY(output_printf("\ntensors (type, shape with the row length first, bytes, name)\n"));
    for (uint64_t i = 0; i < info->n_tensors; i++) {
        struct nmos_tensor tensor;
        TRY(nmos_file_tensor(file, i, &tensor));
        TRY(print_tensor(&tensor));
    }
    return print_totals(info, totals);
}

static json_t *json_of_value(const struct nmos_value *value)
{
    switch (value->kind) {
    case NMOS_VALUE_INT: return json_integer(value->as.i);
    /* JSON integers of the library end at 2^63 - 1. */
    case NMOS_VALUE_UINT:
        return value->as.u <= INT64_MAX ? json_integer((json_int_t)value->as.u)
                                        : json_real((double)value->as.u);
    case NMOS_VALUE_FLOAT: return isfinite(value->as.f) ? json_real(value->as.f) : json_null();
    case NMOS_VALUE_BOOL: return json_boolean(value->as.i);
    case NMOS_VALUE_TEXT: break;
    }
    return output_json_string(value->as.text.data, value->as.text.len);
}

/* An entry as {"key", "type", "value"}, an array as {"key", "type", "n", "first": [...]}. */
static json_t *json_of_metadata(const struct nmos_file *file, uint64_t i)
{
    struct nmos_metadata entry;
    struct nmos_value value;
    if (nmos_file_metadata(file, i, &entry) < 0) return NULL;
    json_t *object =
        json_pack("{s:o*, s:s}", "key", output_json_string(entry.key.data, entry.key.len), "type",
                  entry.type);
    if (!entry.is_array) {
        if (nmos_file_value(file, i, 0, &value) == 0) {
            json_object_set_new(object, "value", json_of_value(&value));
        }
        return object;
    }
    json_t *first = json_array();
    for (uint64_t e = 0; e < entry.n_elems && e < ARRAY_SHOWN; e++) {
        if (nmos_file_value(file, i, e, &value) == 0)
            json_array_append_new(first, json_of_value(&value));
    }
    json_object_set_new(object, "n", json_integer((json_int_t)entry.n_elems));
    json_object_set_new(object, "first", first);
    return object;
}

static json_t *json_of_tensor(const struct nmos_tensor *tensor)
{
    json_t *shape = json_array();
    for (uint32_t d = 0; d < tensor->n_dims; d++) {
        json_array_append_new(shape, json_integer((json_int_t)tensor->dims[d]));
    }
    return json_pack("{s:o*, s:s, s:o, s:I, s:I, s:i}", "name",
                     output_json_string(tensor->name.data, tensor->name.len), "type", tensor->type,
                     "shape", shape, "bytes", (json_int_t)tensor->n_bytes, "offset",
                     (json_int_t)tensor->offset, "file", (int)tensor->part_i);
}

static json_t *json_of_shards(const struct totals *totals)
{
    json_t *shards = json_array();
    for (uint64_t i = 0; i < totals->n_layers; i++) {
        char name[32];
        snprintf(name, sizeof(name), "layer %" PRIu64, i);
        json_array_append_new(shards, json_pack("{s:s, s:I}", "name", name, "bytes",
                                                (json_int_t)totals->layer_bytes[i]));
    }
    json_array_append_new(shards, json_pack("{s:s, s:I}", "name", "outside", "bytes",
                                            (json_int_t)totals->outside_bytes));
    return shards;
}

static int print_json(const struct nmos_file *file, const struct nmos_file_info *info,
                      const struct totals *totals)
{
    json_t *metadata = json_array();
    for (uint64_t i = 0; i < info->n_metadata; i++) {
        json_array_append_new(metadata, json_of_metadata(file, i));
    }
    json_t *tensors = json_array();
    for (uint64_t i = 0; i < info->n_tensors; i++) {
        struct nmos_tensor tensor;
        if (nmos_file_tensor(file, i, &tensor) == 0)
            json_array_append_new(tensors, json_of_tensor(&tensor));
    }
    json_t *types = json_object();
    for (size_t i = 0; i < totals->n_types; i++) {
        json_object_set_new(types, totals->types[i].type,
                            json_pack("{s:I, s:I}", "tensors",
                                      (json_int_t)totals->types[i].n_tensors, "bytes",
                                      (json_int_t)totals->types[i].n_bytes));
    }
    return output_json(
        json_pack("{s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "version",
                  (int)info->version, "alignment", (int)info->alignment, "files",
                  (int)info->n_parts, "file_bytes", (json_int_t)info->file_bytes, "header_bytes",
                  (json_int_t)info->header_bytes, "tensor_bytes", (json_int_t)info->tensor_bytes,
                  "weights", (json_int_t)info->n_elems, "metadata", metadata, "tensors", tensors,
                  "types", types, "shards", json_of_shards(totals)),
        0);
}

int cmd_inspect(const struct cli_options *options)
{
    struct nmos_file *file = NULL;
    struct nmos_file_info info;
    struct totals totals = {0};
    TRY(nmos_file_open(options->args[0], &file));
    nmos_file_info(file, &info);
    int rc = collect(file, &info, &totals);
    if (rc == 0) {
        rc = options->json ? print_json(file, &info, &totals)
                           : print_tables(file, options->args[0], &info, &totals);
    }
    mem_free(totals.layer_bytes);
    nmos_file_close(&file);
    return rc;
}

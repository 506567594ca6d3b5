// JSON texts as flat lists of tokens, read by simdjson. What Swift sees of that C++ library: JSONCoding reads
// recordings with it. The text may be anything: sizes and depth are bounded by what the reader was made for.

#ifndef JSON_TOKENS_H
#define JSON_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_FALSE,
    JSON_KIND_TRUE,
    JSON_KIND_NUMBER,
    JSON_KIND_TEXT,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

/// One value. The elements of an array follow it; so do the members of an object, each a text and a value.
struct json_token {
    /// Of enum json_kind.
    uint32_t kind;
    /// A text's bytes, an array's elements, an object's members.
    uint32_t count;
    union {
        double number;
        /// UTF-8 without a NUL at its end, though there may be one in it.
        const char *text;
        /// Of an array or object: the index of the first token after all that is in it.
        size_t end;
    } value;
};

struct json_tokens;

/// A reader for texts of at most `maximum_length` bytes and `maximum_depth` nested arrays and objects; NULL: no memory.
struct json_tokens *json_tokens_create(size_t maximum_length, size_t maximum_depth);
void json_tokens_destroy(struct json_tokens *reader);

/// Reads one text. Its tokens are valid until the next one is read or the reader is destroyed.
/// Returns NULL, or what is wrong with the text.
const char *json_tokens_read(
    struct json_tokens *reader, const char *text, size_t length, const struct json_token **tokens, size_t *count);

#ifdef __cplusplus
}
#endif

#endif

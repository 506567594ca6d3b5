// Flattens simdjson's document into tokens. No exception leaves this file: the caller is not C++.

#include "json_tokens.h"

#include <simdjson.h>

#include <exception>
#include <new>
#include <vector>

using namespace simdjson;

struct json_tokens {
    dom::parser parser;
    size_t maximum_length;
    size_t maximum_depth;
    std::vector<json_token> tokens;
};

namespace {

json_token simple(json_kind kind) { return {kind, 0, {0}}; }

json_token text(std::string_view bytes) {
    json_token token = {JSON_KIND_TEXT, static_cast<uint32_t>(bytes.size()), {0}};
    token.value.text = bytes.data();
    return token;
}

json_token number(double value) {
    json_token token = {JSON_KIND_NUMBER, 0, {0}};
    token.value.number = value;
    return token;
}

// Recursion goes no deeper than the depth that the parser allowed.
void append(std::vector<json_token> &tokens, dom::element element) {
    switch (element.type()) {
    case dom::element_type::ARRAY: {
        size_t at = tokens.size();
        tokens.push_back(simple(JSON_KIND_ARRAY));
        for (dom::element each : dom::array(element)) {
            append(tokens, each);
            tokens[at].count += 1;
        }
        tokens[at].value.end = tokens.size();
        break;
    }
    case dom::element_type::OBJECT: {
        size_t at = tokens.size();
        tokens.push_back(simple(JSON_KIND_OBJECT));
        for (dom::key_value_pair each : dom::object(element)) {
            tokens.push_back(text(each.key));
            append(tokens, each.value);
            tokens[at].count += 1;
        }
        tokens[at].value.end = tokens.size();
        break;
    }
    case dom::element_type::STRING: tokens.push_back(text(std::string_view(element))); break;
    case dom::element_type::INT64: tokens.push_back(number(static_cast<double>(int64_t(element)))); break;
    case dom::element_type::UINT64: tokens.push_back(number(static_cast<double>(uint64_t(element)))); break;
    case dom::element_type::DOUBLE: tokens.push_back(number(double(element))); break;
    case dom::element_type::BOOL: tokens.push_back(simple(bool(element) ? JSON_KIND_TRUE : JSON_KIND_FALSE)); break;
    case dom::element_type::NULL_VALUE: tokens.push_back(simple(JSON_KIND_NULL)); break;
    }
}

}  // namespace

json_tokens *json_tokens_create(size_t maximum_length, size_t maximum_depth) {
    // Counts are of 32 bits; no text has more values than bytes.
    if (maximum_length > UINT32_MAX) { return nullptr; }
    try {
        return new json_tokens{dom::parser(maximum_length), maximum_length, maximum_depth, {}};
    } catch (const std::exception &) {
        return nullptr;
    }
}

void json_tokens_destroy(json_tokens *reader) { delete reader; }

const char *json_tokens_read(
    json_tokens *reader, const char *text, size_t length, const json_token **tokens, size_t *count) {
    *tokens = nullptr;
    *count = 0;
    if (length > reader->maximum_length) { return "it is too long"; }
    try {
        reader->tokens.clear();
        // The capacity grows with what was read so far, for short texts should not pay for the longest.
        if (length > reader->parser.capacity()) {
            error_code error = reader->parser.allocate(length, reader->maximum_depth);
            if (error) { return error_message(error); }
        }
        dom::element root;
        error_code error = reader->parser.parse(text, length).get(root);
        if (error) { return error_message(error); }
        append(reader->tokens, root);
    } catch (const std::bad_alloc &) {
        return "there is not enough memory to read it";
    } catch (const std::exception &) {
        return "it cannot be read";
    }
    *tokens = reader->tokens.data();
    *count = reader->tokens.size();
    return nullptr;
}

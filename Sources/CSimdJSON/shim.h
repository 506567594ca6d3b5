/* Nothing of simdjson can be seen from C: see CJSONTokens. */

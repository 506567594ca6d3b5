// The wrappers are inline in the header; a C target needs one source file.
#include "system_calls.h"

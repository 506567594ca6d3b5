// The same view of the C library as CSystemCalls has: two views of one type cannot be imported together.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <zlib.h>

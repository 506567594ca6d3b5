// HTTP by libcurl, for the command's PrometheusClient. The library is loaded (dlopen) at the first request and not linked:
// it brings thirty others along, which would cost every start of the command 5 ms, and a host whose pushes ask no server
// would need it for nothing. What is variadic in libcurl, and so out of Swift's reach, stays in curl_exchange.c.
#ifndef SLOTSYNC_CURL_EXCHANGE_H
#define SLOTSYNC_CURL_EXCHANGE_H

#include <stddef.h>

/// Loads libcurl, once. Returns NULL, or why it cannot be had.
const char *sc_load(void);

/// A connection that is kept open from one exchange to the next. One thread at a time may use it.
typedef struct sc_connection sc_connection;

/// NULL if memory or descriptors have run out. sc_load has to have succeeded.
///
/// @param authorities a file of certificates to verify by, or NULL for the system's.
sc_connection *sc_open(const char *authorities);
void sc_close(sc_connection *connection);

/// A descriptor by which any thread ends the exchange of a connection that is open: see sc_cancel.
int sc_cancellation(const sc_connection *connection);
void sc_cancel(int cancellation);
/// Forgets a cancellation that came too late for its exchange.
void sc_forget_cancellation(int cancellation);

enum sc_outcome { SC_ANSWERED, SC_TIMED_OUT, SC_TOO_LARGE, SC_CANCELLED, SC_FAILED };

struct sc_answer {
    enum sc_outcome outcome;
    /// The HTTP status.
    int status;
    /// The body, and where a redirection leads (or NULL): until the connection's next exchange.
    const unsigned char *body;
    size_t length;
    const char *redirection;
    /// In libcurl's words, for SC_FAILED.
    const char *failure;
};

/// Sends a form by POST, or a GET where there is none. Redirections are not followed; certificates are verified. The body is
/// kept up to `most` bytes.
///
/// @param headers whole header lines, ended by NULL.
/// @param form NULL: a GET.
struct sc_answer sc_send(
    sc_connection *connection, const char *url, const char *const *headers, const char *form, size_t form_length,
    long milliseconds, size_t most);

#endif

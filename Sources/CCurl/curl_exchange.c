#include "curl_exchange.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

// Every function of libcurl that is used.
#define EACH_FUNCTION(do) \
    do(curl_global_init) do(curl_easy_init) do(curl_easy_cleanup) do(curl_easy_setopt) do(curl_easy_getinfo) \
    do(curl_easy_strerror) do(curl_multi_init) do(curl_multi_cleanup) do(curl_multi_add_handle) \
    do(curl_multi_remove_handle) do(curl_multi_perform) do(curl_multi_poll) do(curl_multi_info_read) \
    do(curl_multi_setopt) do(curl_slist_append) do(curl_slist_free_all)

static struct {
#define DECLARE(name) __typeof__(name) *name;
    EACH_FUNCTION(DECLARE)
} lib;

static const char *load_failure;

static void load(void) {
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        load_failure = dlerror();
        load_failure = strdup(load_failure ? load_failure : "libcurl.so.4 cannot be loaded");
        return;
    }
#define FIND(name) \
    if (!load_failure && !(lib.name = (__typeof__(name) *)dlsym(library, #name))) \
        load_failure = "libcurl.so.4 is too old: it has no " #name;
    EACH_FUNCTION(FIND)
    if (!load_failure && lib.curl_global_init(CURL_GLOBAL_DEFAULT)) load_failure = "libcurl.so.4 cannot be initialised";
}

const char *sc_load(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return load_failure;
}

struct sc_connection {
    CURLM *multi;
    CURL *easy;
    int cancellation;
    unsigned char *body;
    size_t length, capacity, most;
    char error[CURL_ERROR_SIZE];
};

static size_t take(char *data, size_t size, size_t count, void *context) {
    struct sc_connection *connection = context;
    size_t length = size * count;
    if (length > connection->most - connection->length) return 0;
    size_t needed = connection->length + length;
    if (needed > connection->capacity) {
        size_t capacity = needed < 16384 ? 16384 : needed * 2;
        unsigned char *body = realloc(connection->body, capacity);
        if (!body) return 0;
        connection->body = body;
        connection->capacity = capacity;
    }
    memcpy(connection->body + connection->length, data, length);
    connection->length = needed;
    return length;
}

sc_connection *sc_open(const char *authorities) {
    struct sc_connection *connection = calloc(1, sizeof *connection);
    if (!connection) return NULL;
    connection->multi = lib.curl_multi_init();
    connection->easy = lib.curl_easy_init();
    connection->cancellation = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!connection->multi || !connection->easy || connection->cancellation == -1) {
        sc_close(connection);
        return NULL;
    }
    // One request at a time needs one connection.
    lib.curl_multi_setopt(connection->multi, CURLMOPT_MAXCONNECTS, 1L);
    CURL *easy = connection->easy;
    lib.curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    lib.curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    lib.curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    lib.curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    lib.curl_easy_setopt(easy, CURLOPT_USERAGENT, "slotsync");
    lib.curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    lib.curl_easy_setopt(easy, CURLOPT_WRITEDATA, connection);
    lib.curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, connection->error);
#if LIBCURL_VERSION_NUM >= 0x075700
    // Do not wait for a name that is still being looked up when the time is over.
    lib.curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    if (authorities) lib.curl_easy_setopt(easy, CURLOPT_CAINFO, authorities);
    return connection;
}

void sc_close(sc_connection *connection) {
    if (connection->easy) lib.curl_easy_cleanup(connection->easy);
    if (connection->multi) lib.curl_multi_cleanup(connection->multi);
    if (connection->cancellation != -1) close(connection->cancellation);
    free(connection->body);
    free(connection);
}

int sc_cancellation(const sc_connection *connection) { return connection->cancellation; }

void sc_cancel(int cancellation) {
    uint64_t one = 1;
    (void)!write(cancellation, &one, sizeof one);
}

void sc_forget_cancellation(int cancellation) {
    uint64_t count;
    (void)!read(cancellation, &count, sizeof count);
}

static int is_cancelled(const sc_connection *connection) {
    struct pollfd wanted = {.fd = connection->cancellation, .events = POLLIN};
    return poll(&wanted, 1, 0) == 1;
}

/// Lets the prepared request run to its end, its time-out or its cancellation.
static enum sc_outcome run(sc_connection *connection, CURLcode *code) {
    if (lib.curl_multi_add_handle(connection->multi, connection->easy)) return SC_FAILED;
    enum sc_outcome outcome = SC_FAILED;
    int running = 1;
    while (lib.curl_multi_perform(connection->multi, &running) == CURLM_OK && running) {
        struct curl_waitfd cancellation = {.fd = connection->cancellation, .events = CURL_WAIT_POLLIN};
        if (lib.curl_multi_poll(connection->multi, &cancellation, 1, 1000, NULL)) break;
        if (is_cancelled(connection)) {
            outcome = SC_CANCELLED;
            break;
        }
    }
    int left;
    CURLMsg *message = lib.curl_multi_info_read(connection->multi, &left);
    if (!running && message && message->msg == CURLMSG_DONE) {
        *code = message->data.result;
        outcome = *code == CURLE_OK                   ? SC_ANSWERED
                  : *code == CURLE_OPERATION_TIMEDOUT ? SC_TIMED_OUT
                  : *code == CURLE_WRITE_ERROR        ? SC_TOO_LARGE
                                                      : SC_FAILED;
    }
    lib.curl_multi_remove_handle(connection->multi, connection->easy);
    return outcome;
}

struct sc_answer sc_send(
    sc_connection *connection, const char *url, const char *const *lines, const char *form, size_t form_length,
    long milliseconds, size_t most) {
    // What a large answer needed is not kept for the small ones.
    if (connection->capacity > 1 << 20) {
        free(connection->body);
        connection->body = NULL;
        connection->capacity = 0;
    }
    connection->length = 0;
    connection->most = most;
    connection->error[0] = 0;
    // Without this libcurl asks for leave to send a long body, and waits a second where a server does not answer that.
    struct curl_slist *headers = lib.curl_slist_append(NULL, "Expect:");
    for (; headers && *lines; lines++) {
        struct curl_slist *more = lib.curl_slist_append(headers, *lines);
        if (!more) lib.curl_slist_free_all(headers);
        headers = more;
    }
    struct sc_answer answer = {.outcome = SC_FAILED, .failure = "memory has run out"};
    if (!headers) return answer;
    CURL *easy = connection->easy;
    lib.curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    lib.curl_easy_setopt(easy, CURLOPT_URL, url);
    lib.curl_easy_setopt(easy, CURLOPT_POSTFIELDS, form);
    lib.curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)form_length);
    // After the form, which makes a POST of any request, NULL or not.
    lib.curl_easy_setopt(easy, form ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    lib.curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds > 0 ? milliseconds : 1L);

    CURLcode code = CURLE_FAILED_INIT;
    answer.outcome = run(connection, &code);
    long status = 0;
    char *redirection = NULL;
    lib.curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    lib.curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &redirection);
    answer.status = (int)status;
    answer.redirection = redirection;
    answer.body = connection->body;
    answer.length = connection->length;
    answer.failure = lib.curl_easy_strerror(code);
    // The exact words hold times, which differ from call to call; those about certificates say more than the general ones.
    if (code == CURLE_PEER_FAILED_VERIFICATION && connection->error[0]) answer.failure = connection->error;
    lib.curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    // A token may be among them.
    for (struct curl_slist *line = headers; line; line = line->next) explicit_bzero(line->data, strlen(line->data));
    lib.curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    lib.curl_slist_free_all(headers);
    return answer;
}

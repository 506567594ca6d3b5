// libsodium's digests and Ed25519 signatures, and nothing else of it.
#include <sodium/crypto_hash_sha256.h>
#include <sodium/crypto_hash_sha512.h>
#include <sodium/crypto_sign_ed25519.h>
